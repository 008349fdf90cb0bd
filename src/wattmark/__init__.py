"""Wattmark: what does an AI model cost to run, and is it worth it?"""
