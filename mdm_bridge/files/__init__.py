"""Files we read: app catalogs, profiles, and the CSV lists people have."""
