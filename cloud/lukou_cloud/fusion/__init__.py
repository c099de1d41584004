"""Several lists of road users into one: units' lists at the edge, edges' lists at the region.

======================= ==================================================================
tracks                  one list as tables in double precision
unit                    the latest list of one unit, and who was in it
association             which tracks are one road user
covariance_intersection one estimate of two whose errors may be the same
trails                  how fast tracks have been lately
handover                identities along the lanes from one view to the next
lost                    one who was lost and one who has appeared: can they be the same
gates                   what is learned of these ways: shares and times
overtaking              those who follow each other mostly arrive as they left
fused_list              the result as a message
======================= ==================================================================
"""
