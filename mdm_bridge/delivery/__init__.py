"""What people and other programs touch: the command line, pages, and the processes that run alone."""
