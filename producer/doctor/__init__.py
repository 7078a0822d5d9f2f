"""`python -m producer --check`: is everything within reach, and what will it cost?"""
