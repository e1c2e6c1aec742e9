"""An event from the wire to its severity. Pure: nothing here reads or writes."""
