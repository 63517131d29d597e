-- A final task, in a new life. 1 id, 2 run_at, 3 the bit of available
update tasks
set state = 'available', run_at = ?2, attempts = 0, crashes = 0, first_started_at = null, started_at = null,
    finished_at = null, prune_at = null, output = null, output_type = null,
    unique_held = case when unique_key is not null and unique_states & ?3 then 1 end
where id = ?1;
