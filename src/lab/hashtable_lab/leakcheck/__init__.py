"""Does running a statement leak, with any extension, on an ordinary interpreter?

In the child: `statement` (what is run), `meters` (what is read before and after), `rule` (when growth is a leak), `measuring`
(the rounds; the method is explained there). In the parent: `report` (a verdict of what the child measured), `command`.
"""
