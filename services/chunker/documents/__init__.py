"""Bytes in any format in, one kind of document out; what is not spoken is counted with its reason."""
