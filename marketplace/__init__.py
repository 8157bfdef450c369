"""The ground floor and the roof of the marketplace: what every other package stands on."""
