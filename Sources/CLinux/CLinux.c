// Empty: the code of this target is in its other files.
