"""People at the live desk among themselves: their ready words, their shifts, their breaks, what they hand over."""
