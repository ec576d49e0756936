"""What says that a picture was made by a machine, by whom and from what, and makes it again."""
