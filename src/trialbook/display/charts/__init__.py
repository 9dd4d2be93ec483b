"""Charts: functions of a frame that return an Altair chart; importing this package sets the house theme."""

from trialbook.display.figures import use_house_style

use_house_style()
