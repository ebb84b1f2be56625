"""[sig-network], what needs a node."""
import time
import urllib.request
from .steps import *


class Services(NodeSpec):
    def serve(self, name, labels, **more): return self.run_ready(name,
        program("serve-hostname", ports=[{"containerPort": 9376}]), labels=labels, **more)

    def ask_pod(self, pod, host, port, path="/hostname"):
        """What a pod hears, or nothing."""
        return self.execute(pod, "timeout", "3", "wget", "-q", "-O-",
            "http://%s:%s%s" % (host, port, path))[0]

    def hears(self, pod, host, port, path="/hostname", seconds=30):
        self.eventually(lambda: self.ask_pod(pod, host, port, path),
            "%s to reach %s:%s%s" % (pod, host, port, path), seconds)

    def hears_not(self, pod, host, port, seconds=20):
        self.eventually(lambda: not self.ask_pod(pod, host, port),
            "%s to reach %s:%s no more" % (pod, host, port), seconds)

    def test_basic_and_multiport_endpoints(self):
        web = lambda port: program("netexec", "--http-port=%d" % port, "--udp-port=-1",
            ports=[{"containerPort": port}])
        self.run_ready("execpod", box())
        self.service("endpoint-test2", [{"name": "portname1", "port": 80, "targetPort": 80}], {"name": "x"})
        self.endpoints("endpoint-test2")
        self.run_ready("pod1", web(80), labels={"name": "x"})
        self.endpoints("endpoint-test2", pod1=[80])
        self.hears("execpod", "endpoint-test2", 80)
        self.run_ready("pod2", web(80), labels={"name": "x"})
        self.endpoints("endpoint-test2", pod1=[80], pod2=[80])
        self.hears("execpod", "endpoint-test2", 80)
        self.remove("pod1")
        self.endpoints("endpoint-test2", pod2=[80])
        self.hears("execpod", self.core("Service", "services").get("endpoint-test2")["spec"]["clusterIP"], 80)
        self.remove("pod2")
        self.endpoints("endpoint-test2")
        # Two ports, each of another pod.
        self.service("multi", [{"name": "portname1", "port": 80, "targetPort": "svc1"},
            {"name": "portname2", "port": 81, "targetPort": "svc2"}], {"name": "y"})
        one = dict(web(100), ports=[{"name": "svc1", "containerPort": 100}])
        two = dict(web(101), ports=[{"name": "svc2", "containerPort": 101}])
        self.run_ready("pod1", one, labels={"name": "y"})
        self.endpoints("multi", pod1=[100])
        self.run_ready("pod2", two, labels={"name": "y"})
        self.endpoints("multi", pod1=[100], pod2=[101])
        self.hears("execpod", "multi", 80)
        self.hears("execpod", "multi", 81)
        self.remove("pod1")
        self.endpoints("multi", pod2=[101])

    def test_same_port_different_protocols(self):
        self.run_ready("execpod", program("pause"))
        self.service("multiprotocol", [{"name": "portname1", "port": 80, "targetPort": 80, "protocol": "TCP"},
            {"name": "portname2", "port": 80, "targetPort": 80, "protocol": "UDP"}], {"name": "x"})
        self.run_ready("pod1", program("netexec", "--http-port=80", "--udp-port=80",
            ports=[{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]), labels={"name": "x"})
        self.endpoints("multiprotocol", pod1=[80, 80])
        ip = self.core("Service", "services").get("multiprotocol")["spec"]["clusterIP"]
        self.hears("execpod", ip, 80)
        self.udp("execpod", ip, 80)
        tcp, udp = self.core("Service", "services").get("multiprotocol")["spec"]["ports"]
        self.core("Service", "services").retried("multiprotocol", lambda one: one["spec"].update(ports=[tcp]))
        self.hears("execpod", ip, 80)
        self.udp("execpod", ip, 80, gone=True)
        self.core("Service", "services").retried("multiprotocol", lambda one: one["spec"].update(ports=[udp]))
        self.udp("execpod", ip, 80)
        self.hears_not("execpod", ip, 80)

    def udp(self, pod, host, port, seconds=30, message="hostname", gone=False):
        kept = {}

        def found():
            out, errors, well, _ = self.python(pod, "udp", host, str(port), message)
            kept["out"] = out.strip()
            return well != gone
        self.eventually(found, "UDP of %s to %s:%s" % (pod, host, port), seconds)
        return kept["out"]

    def test_node_port(self):
        self.controller("np", 2, self.template(program("serve-hostname"), labels={"name": "np"}))
        self.ready_pods("name=np", 2)
        self.service("nodeport-test", [{"port": 80, "targetPort": 9376}], {"name": "np"}, type="NodePort")
        self.run_ready("execpod", box())
        service = self.core("Service", "services").get("nodeport-test")["spec"]
        self.hears("execpod", "nodeport-test", 80)
        self.hears("execpod", service["clusterIP"], 80)
        self.hears("execpod", self.node_address, service["ports"][0]["nodePort"])
        for host in (self.node_address,):
            with urllib.request.urlopen("http://%s:%d/" % (host, service["ports"][0]["nodePort"]),
                timeout=5) as answer: self.assertTrue(answer.read())

    def affinity(self, name, kind, switch):
        self.controller(name, 3, self.template(program("serve-hostname"), labels={"name": name}))
        self.service(name, [{"port": 80, "targetPort": 9376}], {"name": name}, type=kind,
            sessionAffinity="None" if switch else "ClientIP")
        self.ready_pods("name=" + name, 3)
        self.run_ready("execpod", box())
        service = self.core("Service", "services").get(name)["spec"]
        host, port = (service["clusterIP"], 80) if kind == "ClusterIP" else (self.node_address,
            service["ports"][0]["nodePort"])
        self.hears("execpod", host, port)
        self.eventually(lambda: len(self.core("Endpoints", "endpoints").get(name)["subsets"][0][
            "addresses"]) == 3, "three endpoints")
        script = "for i in $(busybox seq 0 15); do timeout 3 wget -q -O- http://%s:%s/; echo; done" % (host,
            port)
        answers = lambda: self.shell("execpod", script).split()
        if switch:
            self.eventually(lambda: len(set(answers())) > 1, "more than one backend", 60)
            self.core("Service", "services").retried(name, lambda one: one["spec"].update(
                sessionAffinity="ClientIP"))
        self.eventually(lambda: len(answers()) == 16 and len(set(answers())) == 1, "one backend", 60)
        for _ in range(3): self.assertEqual(len(set(answers())), 1)
        if switch:
            self.core("Service", "services").retried(name, lambda one: one["spec"].update(
                sessionAffinity="None"))
            self.eventually(lambda: len(set(answers())) > 1, "more than one backend again", 60)

    def test_affinity_cluster_ip(self): self.affinity("affinity-clusterip", "ClusterIP", False)
    def test_affinity_node_port(self): self.affinity("affinity-nodeport", "NodePort", False)
    def test_affinity_switch_cluster_ip(self): self.affinity("affinity-clusterip-transition", "ClusterIP",
        True)
    def test_affinity_switch_node_port(self): self.affinity("affinity-nodeport-transition", "NodePort", True)

    def test_types(self):
        """ExternalName to ClusterIP and NodePort, ClusterIP and NodePort to ExternalName, each reached"""
        services = self.core("Service", "services")
        self.controller("ext", 2, self.template(program("serve-hostname"), labels={"name": "ext"}))
        self.ready_pods("name=ext", 2)
        self.run_ready("execpod", box())
        for name, kind in (("to-cluster", "ClusterIP"), ("to-node", "NodePort")):
            self.service(name, None, None, type="ExternalName", externalName="foo.example.com")

            def change(one):
                one["spec"].pop("externalName")
                one["spec"].update(type=kind, selector={"name": "ext"},
                    ports=[{"port": 80, "name": "http", "protocol": "TCP", "targetPort": 9376}])
            services.retried(name, change)
            spec = services.get(name)["spec"]
            self.hears("execpod", name, 80)
            self.hears("execpod", spec["clusterIP"], 80)
            if kind == "NodePort": self.hears("execpod", self.node_address, spec["ports"][0]["nodePort"])
        self.service("svc-target", [{"port": 80, "targetPort": 9376}], {"name": "ext"})
        for name, kind in (("from-cluster", "ClusterIP"), ("from-node", "NodePort")):
            self.service(name, [{"port": 80, "targetPort": 9376}], {"name": "ext"}, type=kind)
            fqdn = "svc-target.%s.svc.cluster.local" % self.space

            def change(one):
                one["spec"].update(type="ExternalName", externalName=fqdn)
                for key in ("clusterIP", "clusterIPs"): one["spec"].pop(key, None)
                for port in one["spec"]["ports"]: port.pop("nodePort", None)
            old = services.get(name)["spec"]
            services.retried(name, change)
            self.eventually(lambda: self.execute("execpod", "nslookup",
                name + "." + self.space + ".svc.cluster.local")[2], "the name", 30)
            self.hears("execpod", name, 80)
            self.hears_not("execpod", old["clusterIP"], 80)

    def test_hairpin(self):
        self.run_ready("p", program("netexec", ports=[{"containerPort": 8080}]), labels={"name": "p"})
        self.service("hairpin", [{"port": 80, "targetPort": 8080}], {"name": "p"})
        self.hears("p", "hairpin", 80)
        self.run_ready("h", program("netexec", "--http-port=8099", "--udp-port=-1"), labels={"name": "h"},
            hostNetwork=True)
        self.service("host", [{"port": 80, "targetPort": 8099}], {"name": "h"})
        self.hears("h", self.core("Service", "services").get("host")["spec"]["clusterIP"], 80)
        self.hears("p", "host", 80)

    def test_latency_of_endpoints(self):
        """Service endpoints latency should not be very high: of 100 services, half are there in 20 s"""
        self.controller("svc-latency-rc", 1, self.template(box(), labels={"name": "lat"}))
        self.ready_pods("name=lat", 1)
        endpoints = self.core("Endpoints", "endpoints")
        watch = endpoints.watch(resourceVersion=endpoints.list()["metadata"]["resourceVersion"])
        began, took = {}, []
        for number in range(100):
            made = self.core("Service", "services").create({"metadata": {"generateName": "latency-svc-"},
                "spec": {"ports": [{"port": 80}], "selector": {"name": "lat"}, "type": "ClusterIP"}})
            began[made["metadata"]["name"]] = time.monotonic()
        while len(took) < 100:
            kind, one = watch.next()
            name = one["metadata"]["name"]
            if name in began and one.get("subsets"): took.append(time.monotonic() - began.pop(name))
        took.sort()
        self.assertLess(took[50], 20)


class Slices(NodeSpec):
    def test_pods_of_services(self):
        """should create Endpoints and EndpointSlices for Pods matching a Service"""
        one = {"name": "container1", "image": "nginx:stable-alpine",
            "ports": [{"name": "example-name", "containerPort": 3000}]}
        two = dict(one, ports=[{"name": "example-name", "containerPort": 3001},
            {"name": "other-port", "containerPort": 3002}])
        self.pod("pod1", one, labels={"pod1": "on", "shared12": "on"})
        self.pod("pod2", two, labels={"pod2": "on", "shared12": "on"})
        port = lambda name, target: [{"name": name, "port": 80, "targetPort": target, "protocol": "TCP"}]
        more = {"publishNotReadyAddresses": True}
        self.service("example-int-port", port("example", 3000), {"pod1": "on"}, **more)
        self.service("example-named-port", port("http", "example-name"), {"shared12": "on"}, **more)
        self.service("example-no-match", port("example-no-match", 8080), {"pod3": "on"}, **more)
        for name in ("pod1", "pod2"): self.waits(name, lambda pod: pod["status"].get("podIPs"), "an address")
        self.expect("example-int-port", ["pod1"], 1, 1, {"example": {3000}})
        self.expect("example-named-port", ["pod1", "pod2"], 2, 2, {"http": {3000, 3001}})
        self.expect("example-no-match", [], 0, 1, {})
        slices = self.kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", self.space)
        old = {one["metadata"]["uid"] for one in self.of("example-named-port")}
        slices.delete_all(labelSelector="kubernetes.io/service-name=example-named-port")
        self.eventually(lambda: self.of("example-named-port")
            and not old & {one["metadata"]["uid"] for one in self.of("example-named-port")}, "new slices", 60)
        self.expect("example-named-port", ["pod1", "pod2"], 2, 2, {"http": {3000, 3001}})

    def of(self, name): return self.kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices",
        self.space).items(labelSelector="kubernetes.io/service-name=" + name)

    def expect(self, name, pods, subsets, slices, ports):
        kept = {}

        def found():
            kept["slices"], kept["endpoints"] = self.of(name), self.core("Endpoints", "endpoints").get(name)
            parts = kept["endpoints"].get("subsets", [])
            return (len(kept["slices"]) == slices and sum(len(one["endpoints"] or [])
                for one in kept["slices"]) == len(pods) and len(parts) == subsets
                    and sum(len(one.get("addresses", [])) for one in parts) == len(pods))
        end = time.monotonic() + 60
        while not found():
            if time.monotonic() > end: self.fail("%s: %s" % (name, json.dumps(kept)))
            time.sleep(0.2)
        addresses = {pod: self.pods.get(pod)["status"]["podIP"] for pod in pods}
        uids = {pod: self.pods.get(pod)["metadata"]["uid"] for pod in pods}
        service = self.core("Service", "services").get(name)["metadata"]
        for subset in kept["endpoints"].get("subsets", []):
            for one in subset["addresses"]:
                self.assertEqual((one["targetRef"]["kind"], one["ip"], one["targetRef"]["uid"],
                    one["nodeName"]), ("Pod", addresses[one["targetRef"]["name"]],
                    uids[one["targetRef"]["name"]], self.node))
            for port in subset["ports"]: self.assertIn(port["port"], ports[port["name"]])
        for each in kept["slices"]:
            self.assertEqual(each["addressType"], "IPv4")
            self.assertEqual(each["metadata"]["labels"]["kubernetes.io/service-name"], name)
            self.assertEqual(each["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"],
                "endpointslice-controller.k8s.io")
            self.assertEqual([(one["kind"], one["name"], one["uid"])
                for one in each["metadata"]["ownerReferences"]], [("Service", name, service["uid"])])
            for one in each["endpoints"] or []:
                self.assertEqual((one["addresses"], one["targetRef"]["uid"], one["conditions"]["ready"]),
                    ([addresses[one["targetRef"]["name"]]], uids[one["targetRef"]["name"]], True))
            for port in each.get("ports") or []:
                if pods: self.assertIn(port["port"], ports[port["name"]])

    def test_multiple_slices(self):
        """should support a Service with multiple endpoint IPs, or ports, in multiple EndpointSlices"""
        slices = self.kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices", self.space)
        self.run_ready("pod1", program("netexec", "--http-port=3000", "--udp-port=-1"))
        self.run_ready("pod2", program("netexec", "--http-port=3001", "--udp-port=-1"))
        self.run_ready("execpod", box())
        one, two = self.address("pod1"), self.address("pod2")
        self.service("example-custom-endpoints", [{"name": "example", "port": 80, "protocol": "TCP"}])
        make = lambda name, service, ip, ports: slices.create(
            {"metadata": {"name": name, "labels": {"kubernetes.io/service-name": service,
            "endpointslice.kubernetes.io/managed-by": "e2e-test" + self.space}},
            "addressType": "IPv4", "endpoints": [{"addresses": [ip]}],
                "ports": [{"name": n, "port": p, "protocol": "TCP"} for n, p in ports]})
        make("s1", "example-custom-endpoints", one, [("example", 3000)])
        make("s2", "example-custom-endpoints", two, [("example", 3001)])
        ip = self.core("Service", "services").get("example-custom-endpoints")["spec"]["clusterIP"]
        names = lambda host, port: set(
            self.shell("execpod",
            "for i in $(busybox seq 0 15); do wget -q -O- http://%s:%s/hostname; echo; done" % (host,
            port)).split())
        self.eventually(lambda: names(ip, 80) == {"pod1", "pod2"}, "both", 30)
        self.service("ports", [{"name": "portone", "port": 80}, {"name": "porttwo", "port": 81}])
        make("s3", "ports", one, [("portone", 3000)])
        make("s4", "ports", two, [("porttwo", 3001)])
        ip = self.core("Service", "services").get("ports")["spec"]["clusterIP"]
        self.eventually(lambda: names(ip, 80) == {"pod1"} and names(ip, 81) == {"pod2"}, "each port", 30)

    def test_mirroring(self):
        services, endpoints = self.core("Service", "services"), self.core("Endpoints", "endpoints")
        self.service("example-custom-endpoints", [{"name": "example", "port": 80, "protocol": "TCP"}])
        endpoints.create({"metadata": {"name": "example-custom-endpoints"},
            "subsets": [{"ports": [{"port": 80, "name": "example"}], "addresses": [{"ip": "10.1.2.3"}]}]})

        def mirrored(ip, port, count=1):
            found = self.of("example-custom-endpoints")
            if len(found) != count: return False
            return not count or (found[0]["endpoints"][0]["addresses"] == [ip]
                and found[0]["ports"][0]["port"] == port and found[0]["metadata"]["labels"][
                "endpointslice.kubernetes.io/managed-by"] == "endpointslicemirroring-controller.k8s.io")
        self.eventually(lambda: mirrored("10.1.2.3", 80), "the mirror", 30)
        endpoints.retried("example-custom-endpoints", lambda one: one.update(
            subsets=[{"ports": [{"port": 81, "name": "example"}], "addresses": [{"ip": "10.2.3.4"}]}]))
        self.eventually(lambda: mirrored("10.2.3.4", 81), "the changed mirror", 30)
        endpoints.delete("example-custom-endpoints")
        self.eventually(lambda: mirrored("", 0, 0), "no mirror", 30)

    def test_api_server(self):
        """API Server should have Endpoints and EndpointSlices pointing to API Server"""
        endpoints = self.kind("v1", "Endpoints", "endpoints", "default").get("kubernetes")
        self.assertEqual(len(endpoints["subsets"]), 1)
        found = self.kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices",
            "default").items(labelSelector="kubernetes.io/service-name=kubernetes")
        self.assertEqual(len(found), 1)
        self.assertEqual(sorted(one["ip"] for one in endpoints["subsets"][0]["addresses"]),
            sorted(one["addresses"][0] for one in found[0]["endpoints"]))
        self.assertEqual(endpoints["subsets"][0]["ports"][0]["port"], found[0]["ports"][0]["port"])


class Names(NodeSpec):
    def dig(self, name, kind, wanted=None, pod="p", seconds=40):
        for way in ([], ["tcp"]):
            kept = {}

            def found():
                out, errors, well, _ = self.python(pod, "dig", *way, name, kind)
                kept.update(out=out.split("\n")[:-1], errors=errors[-300:])
                return well and out and (wanted is None or kept["out"] == wanted)
            end = time.monotonic() + seconds
            while not found():
                if time.monotonic() > end: self.fail("%s %s %s: %s, not %s" % (name, kind, way, kept, wanted))
                time.sleep(0.3)
        return kept["out"]

    def querier(self, name="p", **spec): return self.run_ready(name, program("pause"), **spec)

    def test_cluster_and_hosts(self):
        self.querier(hostname="dns-querier-1", subdomain="dns-test-service")
        ip = self.kind("v1", "Service", "services", "default").get("kubernetes")["spec"]["clusterIP"]
        for name in ("kubernetes.default.svc.cluster.local", "kubernetes.default",
            "kubernetes.default.svc"): self.dig(name, "A", [ip])
        own = self.address("p")
        for name in ("dns-querier-1.dns-test-service.%s.svc.cluster.local" % self.space, "dns-querier-1"):
            out, errors, well, _ = self.python("p", "hosts", name)
            self.assertEqual(out.strip(), own, errors)
        self.assertIn("%s\tdns-querier-1.dns-test-service.%s.svc.cluster.local\tdns-querier-1" % (own,
            self.space), self.does("p", "cat", "/etc/hosts"))

    def test_services(self):
        ports = [{"port": 80, "name": "http", "protocol": "TCP"}]
        self.service("dns-test-service", ports, {"dns-test": "true"}, clusterIP="None")
        self.service("test-service-2", ports, {"dns-test": "true"})
        self.querier(hostname="dns-querier-1", subdomain="dns-test-service", )
        self.pods.patch("p", {"metadata": {"labels": {"dns-test": "true"}}})
        own, ip = self.address("p"), self.core("Service", "services").get("test-service-2")["spec"][
            "clusterIP"]
        for tail in ("", "." + self.space, ".%s.svc" % self.space, ".%s.svc.cluster.local" % self.space):
            self.dig("dns-test-service" + tail, "A", [own])
            self.dig("test-service-2" + tail, "A", [ip])
        for tail in (".%s.svc" % self.space, ".%s.svc.cluster.local" % self.space):
            found = self.dig("_http._tcp.dns-test-service" + tail, "SRV")
            self.assertRegex(found[0],
                r"^0 \d+ 80 dns-querier-1\.dns-test-service\.%s\.svc\.cluster\.local\.$" % self.space)
            found = self.dig("_http._tcp.test-service-2" + tail, "SRV")
            self.assertRegex(found[0], r"^0 \d+ 80 test-service-2\.%s\.svc\.cluster\.local\.$" % self.space)
        self.dig(".".join(reversed(ip.split("."))) + ".in-addr.arpa.", "PTR",
            ["test-service-2.%s.svc.cluster.local." % self.space])

    def test_hostname_and_subdomain(self):
        self.service("dns-test-service-2", [{"port": 80, "name": "http", "protocol": "TCP"}], {"x": "y"},
            clusterIP="None")
        self.pod("p", program("pause"), labels={"x": "y"}, hostname="dns-querier-2",
            subdomain="dns-test-service-2")
        self.ready("p")
        own, fqdn = self.address("p"), "dns-querier-2.dns-test-service-2.%s.svc.cluster.local" % self.space
        for name in (fqdn, "dns-querier-2"): self.assertEqual(self.python("p", "hosts", name)[0].strip(), own)
        for name in (fqdn, "dns-test-service-2.%s.svc.cluster.local" % self.space): self.dig(name, "A", [own])
        self.assertEqual(self.shell("p", "busybox hostname"), "dns-querier-2\n")

    def test_external_name(self):
        self.querier()
        name = "dns-test-service-3.%s.svc.cluster.local" % self.space
        self.service("dns-test-service-3", None, None, type="ExternalName", externalName="foo.example.com")
        self.dig(name, "CNAME", ["foo.example.com."])
        services = self.core("Service", "services")
        services.retried("dns-test-service-3", lambda one: one["spec"].update(externalName="bar.example.com"))
        self.dig(name, "CNAME", ["bar.example.com."])
        # The name of it stays, as upstream leaves it.
        services.retried("dns-test-service-3", lambda one: one["spec"].update(type="ClusterIP",
            ports=[{"port": 80, "name": "http", "protocol": "TCP"}]))
        self.dig(name, "A", [services.get("dns-test-service-3")["spec"]["clusterIP"]])

    def test_nameservers(self):
        self.querier(dnsPolicy="None", dnsConfig={"nameservers": ["1.1.1.1"],
            "searches": ["resolv.conf.local"], "options": [{"name": "ndots", "value": "2"}]})
        text = self.does("p", "cat", "/etc/resolv.conf")
        for one in ("search resolv.conf.local\n", "nameserver 1.1.1.1\n",
            "options ndots:2"): self.assertIn(one, text)


class Ports(NodeSpec):
    def test_host_ports(self):
        """no conflict between pods with same hostPort but different hostIP and protocol"""
        make = lambda name, ip, protocol: self.run_ready(name,
            program("netexec", "--http-port=8080", "--udp-port=8080",
            readinessProbe=http("/hostname", 8080, periodSeconds=1),
            ports=[{"hostPort": 54323, "containerPort": 8080, "protocol": protocol, "hostIP": ip}]),
                nodeSelector={"kubernetes.io/hostname": self.node})
        make("pod1", "127.0.0.1", "TCP")
        make("pod2", self.node_address, "TCP")
        make("pod3", self.node_address, "UDP")
        self.run_ready("e2e-host-exec", program("pause"), hostNetwork=True)
        ask = lambda host, *source: self.python("e2e-host-exec", "get", host, "54323", "/hostname", *source)
        out, errors, well, _ = ask("127.0.0.1", self.node_address)
        self.assertEqual(out, "pod1\n", errors)
        out, errors, well, _ = ask(self.node_address)
        self.assertEqual(out, "pod2\n", errors)
        out, errors, well, _ = self.python("e2e-host-exec", "udp", self.node_address, "54323", "hostname")
        self.assertEqual(out, "pod3\n", errors)


class Granular(NodeSpec):
    def test_checks(self):
        """Granular Checks: Pods should function for (intra-pod | node-pod) communication: (http | udp)"""
        self.run_ready("netserver-0", program("netexec", "--http-port=8083", "--udp-port=8081",
            ports=[{"name": "http", "containerPort": 8083}, {"name": "udp", "containerPort": 8081,
            "protocol": "UDP"}],
                       livenessProbe=http("/healthz", 8083, initialDelaySeconds=10),
                           readinessProbe=http("/healthz", 8083, initialDelaySeconds=1)))
        self.run_ready("test-container-pod", program("netexec",
            readinessProbe=http("/healthz", 8080, periodSeconds=1)))
        self.run_ready("host-test-container-pod", program("pause"), hostNetwork=True)
        target = self.address("netserver-0")
        for protocol, port in (("http", 8083), ("udp", 8081)):
            # Another pod is told to dial it; the pod that asks that pod is on the node.
            text = self.proxy("pods", "test-container-pod:8080", "/dial", host=target, port=port,
                protocol=protocol, request="hostname", tries=1)
            self.assertEqual(json.loads(text), {"responses": ["netserver-0"]})
            echo = ("echo?msg=" if protocol == "http" else "echo ") + "42" * 512
            text = self.proxy("pods", "test-container-pod:8080", "/dial", host=target, port=port,
                protocol=protocol, request=echo, tries=1)
            self.assertEqual(json.loads(text), {"responses": ["42" * 512]})
        for way, port, request in (("get", "8083", "/hostName"), ("udp", "8081", "hostName")):
            out, errors, _, _ = self.python("host-test-container-pod", way, target, port, request)
            self.assertEqual(out, "netserver-0\n", errors)


class Proxies(NodeSpec):
    def test_through_a_service_and_a_pod(self):
        link = '<a href="%s">test</a>'
        values = {"SERVE_PORT_80": link % "/rewriteme", "SERVE_PORT_1080": link % "/rewriteme",
            "SERVE_PORT_160": "foo", "SERVE_PORT_162": "bar",
                  "SERVE_TLS_PORT_443": link % "/tlsrewriteme", "SERVE_TLS_PORT_460": "tls baz",
                      "SERVE_TLS_PORT_462": "tls qux"}
        self.service("svc", [{"name": "portname1", "port": 80, "targetPort": "dest1"},
            {"name": "portname2", "port": 81, "targetPort": 162},
                             {"name": "tlsportname1", "port": 443, "targetPort": "tlsdest1"},
                                 {"name": "tlsportname2", "port": 444, "targetPort": 462}], {"p": "t"})
        one = program("porter", env=env(**values, **key_pair()), ports=[{"name": n, "containerPort": p} for n,
            p in (("http", 80), ("dest1", 160), ("dest2", 162), ("tlsdest1", 460), ("tlsdest2", 462))],
                      readinessProbe=http("/", 80, timeoutSeconds=5, periodSeconds=1))
        self.controller("svc", 1, self.template(one, labels={"p": "t"}))
        pod = self.ready_pods("p=t", 1)[0]["metadata"]["name"]
        self.eventually(lambda: self.core("Endpoints", "endpoints").get("svc").get("subsets"), "endpoints")
        base = "/api/v1/namespaces/%s/" % self.space
        s = lambda scheme, port: base + "services/%ssvc:%s/proxy" % (scheme + ":" if scheme else "", port)
        p = lambda scheme, port: base + "pods/%s%s%s/proxy" % (scheme + ":" if scheme else "", pod,
            ":" + port if port else "")
        wanted = {s("", "portname1"): "foo", s("http", "portname1"): "foo", s("", "portname2"): "bar",
            s("http", "portname2"): "bar", s("https", "tlsportname1"): "tls baz",
            s("https", "tlsportname2"): "tls qux",
                  p("", "160"): "foo", p("http", "160"): "foo", p("", "162"): "bar", p("http", "162"): "bar",
                      p("https", "460"): "tls baz", p("https", "462"): "tls qux"}
        for path in (p("", ""), p("", "1080"), p("http", "1080")): wanted[path] = link % (path + "/rewriteme")
        wanted[p("https", "443")] = link % (p("https", "443") + "/tlsrewriteme")
        for path, text in wanted.items():
            for _ in range(3):
                answer = self.send("GET", path + "/", accept="*/*")
                self.assertEqual((answer.status, answer.data.decode()), (200, text), path)

    def test_methods(self):
        self.pod("agnhost", program("porter", "--json-response", env=env(SERVE_PORT_80="foo"),
            readinessProbe=http("/", 80, periodSeconds=1)), labels={"test": "response"},
            restartPolicy="Never")
        self.ready("agnhost")
        self.service("test-service", [{"port": 80, "targetPort": 80, "protocol": "TCP"}],
            {"test": "response"})
        self.endpoints("test-service", agnhost=[80])
        for kind, name in (("pods", "agnhost"), ("services", "test-service")):
            for method in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"):
                text = self.proxy(kind, name, "/some/path/with/" + method, method)
                if method != "HEAD": self.assertEqual(json.loads(text), {"Method": method, "Body": "foo"})
            for method in ("DELETE", "OPTIONS", "PATCH", "POST", "PUT"):
                self.assertEqual(json.loads(self.proxy(kind, name, "", method, **{"method": method})),
                    {"Method": method, "Body": "foo"})
            for method in ("GET", "HEAD"):
                base = "/api/v1/namespaces/%s/%s/%s/proxy?method=%s" % (self.space, kind, name, method)
                answer = self.api.rest_client.pool_manager.request(method, self.host + base, redirect=False)
                self.assertEqual(answer.status, 301)
                self.assertEqual(answer.headers["Location"], base.replace("/proxy?", "/proxy/?"))
