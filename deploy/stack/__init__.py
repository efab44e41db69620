"""A deployment on Docker Swarm: the folder of its secrets and options, and commands over `docker stack`."""
