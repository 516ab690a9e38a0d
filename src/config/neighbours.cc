// A table rather than a search for likeness: "maxconn" is near to nothing we have, and who wrote it
// for years wants the one word that stands for it here.
#include "config/neighbours.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/parse.h"
#include "base/text.h"

namespace giliran::config {
namespace {

struct Word {
  std::string_view inside;  // the table; "*": every one
  std::string_view names;   // "bind,listen"
  std::string_view here;
};

// The first row that fits counts: those of one table come before those of all.
constexpr Word kKeys[] = {
    // [timeouts]
    {"timeouts", "connect,timeout_connect,proxy_connect_timeout,dial", "it is connect_timeout"},
    {"timeouts",
     "client,timeout_client,http_keep_alive,timeout_http_keep_alive,keepalive_timeout,keep_alive",
     "it is idle_timeout, of a client between two requests"},
    {"timeouts", "server,timeout_server,proxy_read_timeout,read,response",
     "it is response_timeout, from the request to the head of its answer"},
    {"timeouts", "http_request,timeout_http_request,client_header_timeout,read_header,header",
     "it is head_timeout"},
    {"timeouts", "client_body_timeout,body", "it is body_timeout"},
    {"timeouts", "send_timeout,proxy_send_timeout,write", "it is write_timeout"},
    {"timeouts", "tunnel,timeout_tunnel", "it is tunnel_idle_timeout"},
    {"timeouts", "queue,timeout_queue", "it is queue_timeout in [[pool]]"},
    {"timeouts", "request,total,route", "it is total_timeout"},
    {"timeouts", "drain,shutdown,hard_stop_after,worker_shutdown_timeout,grace",
     "it is drain_timeout, at the top of the file"},
    // [log]
    {"log", "file,filename,output,access_log,target", "it is path"},
    {"log", "level,log_level,verbosity",
     "there are no levels: the log has each request, and what happens is said on standard error"},
    // servers
    {"pool.servers", "host,hostname,ip,url,uri,port",
     "it is address, with the port: address = \"10.0.0.1:80\""},
    {"pool.servers", "maxconn,max_conns,max_connections,max_requests", "it is in_flight_max"},
    {"pool.servers", "id,label", "it is name"},
    // [[pool]]
    {"pool", "hosts,endpoints,members,nodes,targets,addresses,upstreams,backends,lb_endpoints",
     "it is servers, a list: servers = [\"10.0.0.1:80\", \"10.0.0.2:80=3\"]"},
    {"pool", "balance,algorithm,lb_policy,lb_algorithm,load_balancing,strategy,method,lb_method",
     "it is policy"},
    {"pool", "maxconn,max_conns,max_connections,max_requests,circuit_breakers,circuit_breaker",
     "it is in_flight_max, of each server, with queue_max and queue_timeout"},
    {"pool", "maxqueue,max_queue,queue", "it is queue_max"},
    {"pool", "timeout_queue", "it is queue_timeout"},
    {"pool", "send_proxy,send_proxy_v2", "it is proxy_protocol = \"v1\" or \"v2\""},
    {"pool", "keepalive,keep_alive,max_idle,pool_size",
     "idle connections are kept as it is: upstream_idle_max in [limits], upstream_idle_timeout in "
     "[timeouts]"},
    {"pool", "weight,weights",
     "a weight is of a server: servers = [\"10.0.0.1:80\", \"10.0.0.2:80=3\"]"},
    {"pool", "mode,protocol,scheme",
     "the scheme of a listener's address says it: http:// or tcp://"},
    // routes
    {"listener.route", "prefix,path_prefix,location,uri,url,match",
     "it is path, which paths begin with by whole segments"},
    {"listener.route", "server_name,hostname,domain,domains,authority", "it is host"},
    {"listener.route", "return,respond,response,status,direct_response",
     "it is answer = { status = 200, body = \"...\" } or redirect = { to = \"...\" }"},
    {"listener.route", "rewrite,rewrites,replace_path,strip_prefix,prefix_rewrite",
     "the target is passed on as it is; redirect and header changes are what a route has"},
    // [[listener]]
    {"listener", "listen,bind,host,ip,port,addr",
     "it is address: address = \"http://127.0.0.1:8080\", or \":8080\" for every IPv4 address"},
    {"listener", "route,routes,location,locations,rules,rule,acl,paths,http_request,use_backend",
     "it is [[listener.route]], with host, path, method, header"},
    {"listener", "server_name,hostname,domain,domains", "it is host of a [[listener.route]]"},
    {"listener", "proxy_protocol,accept_proxy",
     "it is proxy_protocol_from, the networks that send a PROXY header"},
    {"listener", "mode,protocol,scheme", "the scheme of its address says it: http:// or tcp://"},
    {"listener", "option,forwardfor,x_forwarded_for,set_real_ip_from,real_ip,trusted_proxies",
     "they are forwarding and trusted"},
    // what people call the tables
    {"", "backend,backends,upstream,upstreams,cluster,clusters,group,services",
     "it is [[pool]], with name and servers"},
    {"", "frontend,frontends,listen,bind,entrypoint,entrypoints,virtual_host,vhost,port,address",
     "it is [[listener]], with address and pool"},
    {"", "server", "it is servers of a [[pool]]: servers = [\"10.0.0.1:80\"]"},
    {"", "global,defaults,default,events,http,stream,main,general",
     "there is no such table: threads, drain_timeout, quiet and seed stand at the top, the rest in "
     "[log], [timeouts] and [limits]"},
    {"", "route,routes,location,locations,rules", "it is [[listener.route]], below its listener"},
    // what is the same everywhere
    {"*",
     "health_check,health_checks,healthcheck,healthchecks,health,check,checks,inter,rise,interval,"
     "httpchk,option_httpchk,http_check,active_health_check",
     kNoActiveChecks},
    {"*", "max_fails,fall,outlier_detection,observe,error_limit,passive_health_check",
     "it is mark_down_after in [[pool]]"},
    {"*", "fail_timeout", "it is backoff_first and backoff_max in [timeouts]"},
    {"*",
     "tls,ssl,https,cert,certs,certificate,certificates,ssl_certificate,ssl_certificate_key,crt,"
     "cert_file,key_file,acme,verify,sni",
     kNoTls},
    {"*", "backup,is_backup,priority", kNoBackups},
    {"*", "slow_start,slowstart", "there is no slow start yet"},
    {"*", "down,disabled,drain,draining,maintenance,enabled",
     "take the server out of the list and send HUP: what is under way on it goes on"},
    {"*", "maxconn,max_conns,max_connections,worker_connections",
     "it is connections_max, in [limits] for all or in one [[listener]]"},
    {"*", "worker_processes,workers,nbthread,nbproc,concurrency,worker_threads",
     "it is threads, at the top of the file"},
    {"*",
     "cookie,sticky,stick_table,sticky_session,sticky_sessions,session_affinity,affinity,"
     "persistence,ip_hash",
     "it is sticky_cookie in [[pool]], the name of a cookie that brings a client back"},
    {"*", "retries,max_retries,num_retries,proxy_next_upstream_tries",
     "it is retries_max in [[pool]]"},
    {"*", "proxy_next_upstream,redispatch", "it is retry_on in [[pool]]"},
    {"*",
     "timeout,timeout_connect,timeout_client,timeout_server,proxy_read_timeout,"
     "proxy_connect_timeout,proxy_send_timeout,keepalive_timeout,send_timeout,"
     "client_header_timeout,client_body_timeout",
     "each wait has a key in [timeouts]: connect_timeout, response_timeout, idle_timeout and more"},
    {"*", "client_max_body_size,max_body_size,body_size,max_request_body_size,max_size",
     "it is body_bytes_max, in [limits] or of one route"},
    {"*", "client_header_buffer_size,large_client_header_buffers,tune_bufsize,max_header_size",
     "it is head_bytes_max in [limits]"},
    {"*",
     "proxy_pass,reverse_proxy,forward,handle,default_backend,backend,upstream,cluster,service",
     "it is pool, the name of a [[pool]]"},
    {"*", "add_header,proxy_set_header,set_header,headers,request_headers,response_headers",
     "it is request_headers or response_headers of a [[listener.route]]: { set = { A = \"b\" } }"},
    {"*", "access_log,error_log,log_format,log_file,logging,logs,accesslog",
     "it is [log], with path, format and full"},
    {"*", "log_level,loglevel,level,verbosity,verbose,debug",
     "there are no levels: the log has each request, and what happens is said on standard error"},
    {"*", "limit_req,rate_limit,ratelimit,rate_limits,limit_conn,rate",
     "it is request_rate_max and request_burst in [limits]"},
    {"*", "stats,admin,metrics,prometheus,status,dashboard,api",
     "it comes later; until then giliran report reads the log, which has each request"},
    {"*", "gzip,compression,cache,proxy_cache,buffering,proxy_buffering",
     "bodies are passed on as they come: there is no compression, cache or spooling"},
    {"*", "http2,h2,http3,quic,grpc", "HTTP/1.1 is spoken; there is no HTTP/2 yet"},
    {"*", "user,group,chroot", "start it as the user it is to be"},
    {"*", "daemon,master_worker,pidfile,pid",
     "it stays in the foreground: a shell or systemd puts "
     "it behind"},
    {"*", "include,import", "one file has it all"},
    {"*", "resolver,resolvers,dns,discovery,consul,etcd,service_discovery",
     "names are looked up at the start and at each reload (HUP)"},
};

struct Kind {
  std::string_view names;
  std::string_view policy;  // ours that is the same; empty: none is
  std::string_view words;
};

// Without case, '-', '_' and spaces.
constexpr Kind kPolicies[] = {
    {"leastconn,leastconns,leastconnection,leastconnections,leastrequest,leastoutstandingrequests,"
     "fewest,lc,lr,jsq",
     "least-requests", ""},
    {"rr,wrr,swrr,roundrobin,staticrr,weighted,weightedroundrobin,smooth", "round-robin", ""},
    {"iphash,source,sourceip,hash,uri,urihash,ringhash,maglev,consistent,consistenthash,cookie,"
     "sticky,hdr,header,urlparam,rdpcookie,clientiphash",
     "", "there is none by hash yet; sticky_cookie of a pool brings a client back"},
    {"random,p2c,random2,twochoices,poweroftwo,poweroftwochoices,powerof2choices", "",
     "there is none at random; beyond eight servers least-requests draws two and takes the better"},
    {"ewma,peakewma,leasttime,leastlatency,latency,leastresponsetime,fastest", "",
     "there is none by latency yet; least-requests avoids servers whose requests take long"},
    {"first,failover,backup,priority", "",
     "there is none with backups yet: every server has its turn"},
};

bool names_hold(std::string_view names, std::string_view name) {
  return base::any_name(names, [name](std::string_view each) { return each == name; });
}

std::string plain(std::string_view text, bool letters_only) {
  std::string out;
  for (const char c : text) {
    const bool joins = c == '-' || c == '_' || c == ' ';
    if (joins && letters_only) continue;
    out += joins ? '_' : base::to_lower(c);
  }
  return out;
}

}  // namespace

std::string_view advice_on_key(std::string_view inside, std::string_view name) {
  const std::string word = plain(name, false);
  for (const Word& row : kKeys) {
    const bool here = row.inside == "*" || row.inside == inside;
    if (here && names_hold(row.names, word)) return row.here;
  }
  return {};
}

std::string advice_on_policy(std::string_view name, std::span<const std::string_view> known) {
  const std::string word = plain(name, true);
  const auto kind = std::ranges::find_if(
      kPolicies, [&](const Kind& each) { return names_hold(each.names, word); });
  std::string_view meant = base::nearest(name, known);
  std::string_view words;
  if (kind != std::end(kPolicies)) {
    words = kind->words;
    const bool is_known = std::ranges::find(known, kind->policy) != known.end();
    if (is_known) meant = kind->policy;
  }
  if (words.empty() && !meant.empty()) return fmt::format("did you mean '{}'?", meant);
  return fmt::format("{}{}expected {}{}", words, words.empty() ? "" : "; ",
                     known.size() == 1 ? "" : "one of ", fmt::join(known, ", "));
}

}  // namespace giliran::config
