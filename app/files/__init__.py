"""Reading files of unknown hands: checks in processes of their own, and the virus scanner."""
