"""办理: what people do with a ticket on its way to an answer: given out, given back, urged, extended."""
