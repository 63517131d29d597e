-- What ties a task.
-- 1 id, 2 live, 3 expires_at, 4 unique_key, 5 unique_states, 6 unique_until, 7 unique_held, 8 queue, 9 schedule, 10 slot
insert into errand_ties (id, live, expires_at, unique_key, unique_states, unique_until, unique_held, queue, schedule,
                         slot)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10);
