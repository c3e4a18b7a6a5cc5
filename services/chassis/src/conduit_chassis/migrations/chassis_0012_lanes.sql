-- A register's dead letter holds up that register alone, and what says danger waits behind nothing (finding of 29 November 2026).
UPDATE dead_letters SET lane = convert_to(topic || '/', 'UTF8') || lane
    WHERE resolved_at IS NULL AND lane IS NOT NULL AND topic LIKE 'programme.%';
UPDATE dead_letters SET lane = NULL WHERE resolved_at IS NULL AND topic = 'intake.dangers.v1';
