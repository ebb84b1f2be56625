import Testing

@testable import API

@Suite struct NetworkWrongsTests {
    @Test(arguments: Wrong.cases(text)) func `what is wrong with an object of the network is named`(wrong: Wrong) throws {
        let found = try wrong.found(try LeastObjects.all())
        #expect(found == wrong.errors)
    }

    private static let text = #"""
        services
          spec.ports = []
          ! spec.ports: Required value
          spec.ports.0.port = 0
          ! spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive
          ! spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive
          spec.ports.0.targetPort = "-"
          ! spec.ports[0].targetPort: Invalid value: "-": must contain at least one letter (a-z)
          ! spec.ports[0].targetPort: Invalid value: "-": must not begin or end with a hyphen
          spec.ports = [{"port": 80}, {"port": 81}]
          ! spec.ports[0].name: Required value
          ! spec.ports[1].name: Required value
          spec.ports = [{"port": 80, "name": "a"}, {"port": 80, "name": "b"}]
          ! spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}
          spec.ports.0.nodePort = 30000
          ! spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'
          spec.type = "Odd"
          ! spec.type: Unsupported value: "Odd": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"
          spec.type = "ExternalName"
          ! spec.externalName: Required value
          spec.clusterIP = "10.0.0.300"
          spec.clusterIPs = ["10.0.0.300"]
          ! spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)
          spec.clusterIP = "10.0.0.1"
          spec.clusterIPs = ["10.0.0.2"]
          ! spec.clusterIPs: Invalid value: ["10.0.0.2"]: first value must match `clusterIP`
          spec.type = "NodePort"
          spec.clusterIP = "None"
          spec.clusterIPs = ["None"]
          ! spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services
          spec.sessionAffinity = "Odd"
          ! spec.sessionAffinity: Unsupported value: "Odd": supported values: "ClientIP", "None"
          spec.sessionAffinity = "ClientIP"
          spec.sessionAffinityConfig = {"clientIP": {"timeoutSeconds": 0}}
          ! spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than 0 and less than 86400
          spec.externalIPs = ["127.0.0.1"]
          ! spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)
          spec.loadBalancerClass = "example.com/l"
          ! spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'
          spec.externalTrafficPolicy = "Local"
          ! spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services
          spec.trafficDistribution = "Far"
          ! spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"
          spec.selector = {"a": "b c"}
          ! spec.selector: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
          before spec.clusterIP = "10.0.0.1"
          before spec.clusterIPs = ["10.0.0.1"]
          update spec.clusterIP = "10.0.0.2"
          update spec.clusterIPs = ["10.0.0.2"]
          ! spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set
          before spec.type = "LoadBalancer"
          update spec.loadBalancerClass = "example.com/l"
          ! spec.loadBalancerClass: Invalid value: "example.com/l": may not change once set
          update status = {"loadBalancer": {"ingress": [{"ip": "10.0.0.9", "ipMode": "VIP"}]}}
          ! status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'
        endpoints
          subsets.0.addresses = []
          ! subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`
          subsets.0.addresses.0.ip = "169.254.0.1"
          ! subsets[0].addresses[0].ip: Invalid value: "169.254.0.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)
          subsets.0.ports.0.port = 0
          ! subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive
        endpointslices.discovery.k8s.io
          addressType = "IPv7"
          ! addressType: Unsupported value: "IPv7": supported values: "FQDN", "IPv4", "IPv6"
          endpoints.0.addresses = []
          ! endpoints[0].addresses: Required value: must contain at least 1 address
          endpoints.0.addresses = ["2001:db8::1"]
          ! endpoints[0].addresses[0]: Invalid value: "2001:db8::1": must be a valid IPv4 address
          update addressType = "IPv6"
          update endpoints = []
          ! addressType: Invalid value: "IPv6": field is immutable
        ingresses.networking.k8s.io
          spec = {}
          ! spec: Invalid value: []: either `defaultBackend` or `rules` must be specified
          spec.defaultBackend = {"service": {"name": "s"}}
          ! spec.defaultBackend: Required value: port name or number is required
          spec.rules = [{"host": "1.2.3.4", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]
          ! spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address
          spec.rules = [{"http": {"paths": [{"path": "a", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]
          ! spec.rules[0].http.paths[0].path: Invalid value: "a": must be an absolute path
          spec.rules = [{"http": {"paths": [{"path": "/", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]
          ! spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified
          spec.rules = [{"http": {"paths": []}}]
          ! spec.rules[0].http.paths: Required value
          spec.ingressClassName = "A"
          ! spec.ingressClassName: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        ingressclasses.networking.k8s.io
          spec.controller = "plain"
          ! spec.controller: Invalid value: "plain": must be a domain-prefixed path (such as "acme.io/foo")
          update spec.controller = "example.com/other"
          ! spec.controller: Invalid value: "example.com/other": field is immutable
        networkpolicies.networking.k8s.io
          spec.ingress = [{"from": [{}]}]
          ! spec.ingress[0].from[0]: Required value: must specify a peer
          spec.ingress = [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16"]}}]}]
          ! spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`
          spec.ingress = [{"ports": [{"port": 80, "endPort": 70}]}]
          ! spec.ingress[0].ports[0].endPort: Invalid value: 70: must be greater than or equal to `port`
          spec.policyTypes = ["Sideways"]
          ! spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Egress", "Ingress"
        ipaddresses.networking.k8s.io
          metadata.name = "10.0.0.01"
          ! metadata.name: Invalid value: "10.0.0.01": must not have leading 0s
          spec.parentRef =
          ! spec.parentRef: Required value
        servicecidrs.networking.k8s.io
          spec.cidrs = []
          ! spec.cidrs: Required value: at least one CIDR required
          spec.cidrs = ["10.0.0.1/16"]
          ! spec.cidrs[0]: Invalid value: "10.0.0.1/16": must not have bits set beyond the prefix length
        """#
}
