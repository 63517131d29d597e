-- The live runs of a schedule. 1 queue, 2 schedule. Columns: id. Index: errand_ties_runs.
select id from errand_ties
where queue = ?1 and schedule = ?2 and schedule is not null and live is not null
order by id;
