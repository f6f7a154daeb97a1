"""The round trip: a model that asks for an original gets it inside its own answer, and the client never knows."""
