"""The processes of a server: the supervisor that holds the sockets, its workers, their line."""
