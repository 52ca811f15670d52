"""What the practice LMS answers over HTTP: pages, the launch, and the services."""
