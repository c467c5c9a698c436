"""What only some channels can do: an adapter takes on an ability beside `Channel`; the console asks for it."""
