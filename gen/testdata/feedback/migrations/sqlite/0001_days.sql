-- How much feedback was left on which day.
CREATE TABLE feedback_days (
	day   TEXT PRIMARY KEY,
	taken INTEGER NOT NULL
);
