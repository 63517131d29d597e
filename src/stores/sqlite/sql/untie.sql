-- A task has ended. 1 id, 2 the bit of the state that it ended in
update errand_ties
set live = null, unique_held = case when unique_states & ?2 then unique_held end
where id = ?1;
