"""What the proxy's admin says, in its text form: counters of a service's slots, and one histogram."""

DETAILED = """\
cluster.api--blue.upstream_cx_protocol_error: 3
cluster.api--blue.upstream_rq_101: 1
cluster.api--blue.upstream_rq_2xx: 7
cluster.api--a-b.upstream_rq_503: 2
cluster.api--blue.upstream_rq_time:
  totals=0,0:1, 5,0.1:2, 99,1:3, 100,10:1, 1.2e+06,100000:4
  intervals=0,0:1
  summary=P0(0,0) P25(nan,0)
vhost.api.route.api--blue.upstream_rq_2xx: 4
vhost.api.route.api--a-b.upstream_rq_503: 1
"""
