-- A waiting task that was not started in time. 1 id, 2 finished_at, 3 the bit of discarded,
-- 4 prune_at
update tasks
set state = 'discarded', finished_at = ?2, prune_at = ?4,
    last_error_code = case when last_error is null then 'discarded' else last_error_code end,
    last_error = coalesce(last_error, 'expired: it was not started in time'),
    unique_held = case when unique_states & ?3 then unique_held end
where id = ?1;
