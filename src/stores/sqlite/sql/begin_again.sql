-- A task that had ended, in a new life. 1 id, 2 run_at, 3 last_error, 4 last_error_code
update errand_enqueued
set state = 'available', run_at = ?2, attempts = 0, crashes = 0, first_started_at = null, started_at = null,
    last_error = ?3, last_error_code = ?4
where id = ?1;
