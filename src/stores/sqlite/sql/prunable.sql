-- What may be forgotten. 1 now, 2 how many at most. Columns: id. Index: errand_ended_prunable.
select id from errand_ended where prune_at is not null and prune_at <= ?1 order by prune_at, id limit ?2;
