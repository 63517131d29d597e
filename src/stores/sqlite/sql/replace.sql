-- 1 id, 2 payload, 3 content_type, 4 run_at, 5 state, if it was no retry
update errand_enqueued
set payload = ?2, content_type = ?3, run_at = ?4, state = case state when 'retryable' then state else ?5 end
where id = ?1;
