-- A waiting task. 1 id, 2 finished_at, 3 prune_at, 4 the bit of cancelled
update tasks
set state = 'cancelled', finished_at = ?2, prune_at = ?3,
    unique_held = case when unique_states & ?4 then unique_held end
where id = ?1;
