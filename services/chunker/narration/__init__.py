"""What a narrator does with a document before it is split: a document in, a document out. Pure."""
