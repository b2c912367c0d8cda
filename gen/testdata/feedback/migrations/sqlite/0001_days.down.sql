DROP TABLE feedback_days;
