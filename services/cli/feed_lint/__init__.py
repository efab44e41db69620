"""The rules of `podcast lint`: what is wrong with a podcast feed, each with its source. Pure, without the network."""
