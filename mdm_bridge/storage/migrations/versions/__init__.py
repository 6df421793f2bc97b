"""Changes of the schema in order; each says by ``loses_data`` whether something stored is given up."""
