"""Small protocols named by the role they play; what an implementer must promise."""
