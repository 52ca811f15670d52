"""What a person holds beside what was awarded here: badges of others, and a portfolio page."""
