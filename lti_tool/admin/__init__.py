"""For the people who look after connections: platforms, their health, deliveries."""
