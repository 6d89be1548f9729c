"""Sample pictures: emoji from a package or a catalogue drawn here, and the contact sheet."""
