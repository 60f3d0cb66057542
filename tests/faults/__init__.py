"""Every AWS call, failing in every way: what was acknowledged is kept, nothing happens twice, all of it is finished."""
