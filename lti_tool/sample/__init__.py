"""A sample district: something to look at in the first minute, loaded once by `milepost demo`."""
