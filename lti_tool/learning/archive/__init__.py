"""Everything that one holds, as one archive to take along."""
