import APIMachinery
import Testing

@testable import API

@Suite struct PodWrongsTests {
    @Test(arguments: Wrong.cases(text)) func `what is wrong with a pod is named`(wrong: Wrong) throws {
        let found = try wrong.found(try LeastObjects.all())
        #expect(found == wrong.errors)
    }

    @Test func `a pod in which everything is wrong is refused in few words`() throws {
        let names: [Value] = (0..<3_000).map { ["name": .string("n\($0)"), "resourceClaimName": "x"] }
        let claims: [Value] = (0..<3_000).map { ["name": .string("other-\($0)")] }
        let spec: Value = [
            "resourceClaims": .array(names), "containers": [["name": "c", "resources": ["claims": .array(claims)]]],
        ]
        var checks = FieldChecks()
        checks.pod(["metadata": ["name": "p"], "spec": spec])
        #expect(checks.errors.count == 1000)
        #expect(checks.errors.allSatisfy { $0.description.utf8.count < 1000 })
    }

    /// A container that ended with a code is told to run, in a pod with the policy `Never`.
    @Test(arguments: [
        ([:], 1, false), (["restartPolicy": "Always"], 0, true), (["restartPolicy": "OnFailure"], 1, true),
        (["restartPolicy": "OnFailure"], 0, false),
        (rules("Restart", "In"), 42, true), (rules("Restart", "In"), 41, false),
        (rules("Restart", "NotIn"), 42, false), (rules("Restart", "NotIn"), 41, true),
        (rules("RestartAllContainers", "In"), 1, true),
    ] as [(Value, Int64, Bool)])
    func `what ended for good is not told to run`(more: Value, code: Int64, mayRun: Bool) {
        for (list, statuses) in [("containers", "containerStatuses"), ("initContainers", "initContainerStatuses")] {
            func pod(_ state: Value) -> Value {
                var container = more
                container["name"] = "c"
                var (spec, status) = (Value.emptyObject, Value.emptyObject)
                spec["restartPolicy"] = "Never"
                spec[list] = [container]
                status[statuses] = [["name": "c", "state": state]]
                return ["spec": spec, "status": status]
            }
            var checks = FieldChecks()
            checks.podStatusUpdate(pod(["running": [:]]), pod(["terminated": ["exitCode": .integer(code)]]))
            let why = "status.\(statuses)[0].state: Forbidden: may not be transitioned to non-terminated state"
            #expect(checks.errors.map(\.description) == (mayRun ? [] : [why]))
        }
    }

    private static func rules(_ action: Value, _ operation: Value) -> Value {
        [
            "restartPolicy": "Never",
            "restartPolicyRules": [["action": action, "exitCodes": ["operator": operation, "values": [42]]]],
        ]
    }

    private static let text = #"""
        pods
          metadata.name = "X"
          ! metadata.name: Invalid value: "X": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
          metadata.namespace = "a.b"
          ! metadata.namespace: Invalid value: "a.b": must not contain dots
          metadata.labels = {"a b": "c"}
          ! metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
          metadata.labels = {"a": "b c"}
          ! metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
          metadata.ownerReferences = [{"apiVersion": "v1", "kind": "Pod", "name": "", "uid": "u"}]
          ! metadata.ownerReferences.name: Invalid value: "": must not be empty
          metadata.finalizers = ["loose"]
          ! metadata.finalizers[0]: Invalid value: "loose": name is neither a standard finalizer name nor is it fully qualified
          spec.containers = []
          ! spec.containers: Required value
          spec.containers.0.name =
          ! spec.containers[0].name: Required value
          spec.containers.0.image = " i"
          ! spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace
          spec.containers.0.imagePullPolicy = "Often"
          ! spec.containers[0].imagePullPolicy: Unsupported value: "Often": supported values: "Always", "IfNotPresent", "Never"
          spec.containers.0.ports = [{"containerPort": 80, "protocol": "ICMP"}]
          ! spec.containers[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"
          spec.containers.0.ports = [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]
          ! spec.containers[0].ports[1].hostPort: Duplicate value: "TCP//80"
          spec.containers.0.ports = [{"containerPort": 80, "name": "-"}]
          ! spec.containers[0].ports[0].name: Invalid value: "-": must contain at least one letter (a-z)
          ! spec.containers[0].ports[0].name: Invalid value: "-": must not begin or end with a hyphen
          spec.containers.0.env = [{"name": "A", "valueFrom": {}}]
          ! spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`
          spec.containers.0.env = [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.none"}}}]
          ! spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.none": error converting fieldPath: field label not supported: spec.none
          spec.containers.0.envFrom = [{}]
          ! spec.containers[0].envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`
          spec.containers.0.resources = {"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}
          ! spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1
          spec.containers.0.resources = {"requests": {"cpu": "2", "memory": "1Gi"}}
          spec.resources = {"requests": {"cpu": "1"}}
          ! spec.resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2
          spec.containers.0.resources = {"limits": {"cpu": "1", "hugepages-2Mi": "4Mi"}}
          spec.resources = {"limits": {"cpu": "1", "hugepages-2Mi": "2Mi"}}
          ! spec.resources.requests[hugepages-2Mi]: Invalid value: "2Mi": must be greater than or equal to aggregate container requests of 4Mi
          ! spec.resources.limits[hugepages-2Mi]: Invalid value: "2Mi": must be greater than or equal to aggregate container limits of 4Mi
          ! spec.resources.containers[0][hugepages-2Mi].limits: Invalid value: "4Mi": must be less than or equal to pod limits of 2Mi
          spec.containers.0.resources = {"limits": {"example.com/gpu": "500m"}}
          ! spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "500m": must be an integer
          ! spec.containers[0].resources.requests[example.com/gpu]: Invalid value: "500m": must be an integer
          spec.containers.0.resources = {"limits": {"apples": "1"}}
          ! spec.containers[0].resources.limits[apples]: Invalid value: "apples": must be a standard resource type or fully qualified
          ! spec.containers[0].resources.limits[apples]: Invalid value: "apples": must be a standard resource for containers
          ! spec.containers[0].resources.requests[apples]: Invalid value: "apples": must be a standard resource type or fully qualified
          ! spec.containers[0].resources.requests[apples]: Invalid value: "apples": must be a standard resource for containers
          spec.containers.0.volumeMounts = [{"name": "none", "mountPath": "/x"}]
          ! spec.containers[0].volumeMounts[0].name: Not found: "none"
          spec.volumes = [{"name": "v"}]
          spec.containers.0.volumeMounts = [{"name": "v", "mountPath": "/x"}, {"name": "v", "mountPath": "/x"}]
          ! spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique
          spec.volumes = [{"name": "v"}]
          spec.containers.0.volumeMounts = [{"name": "v"}]
          ! spec.containers[0].volumeMounts[0].mountPath: Required value
          spec.volumes = [{"name": "v"}]
          spec.containers.0.volumeMounts = [{"name": "v", "mountPath": "/x", "subPath": "/a"}]
          ! spec.containers[0].volumeMounts.subPath: Invalid value: "/a": must be a relative path
          spec.volumes = [{"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]
          ! spec.volumes[1].name: Duplicate value: "v"
          spec.volumes = [{"name": "v", "secret": {}}]
          ! spec.volumes[0].secret.secretName: Required value
          spec.volumes = [{"name": "v", "configMap": {"name": "m", "items": [{"key": "k", "path": "../a"}]}}]
          ! spec.volumes[0].configMap.items[0].path: Invalid value: "../a": must not contain '..'
          spec.volumes = [{"name": "v", "hostPath": {}}]
          ! spec.volumes[0].hostPath.path: Required value
          spec.volumes = [{"name": "v", "persistentVolumeClaim": {}}]
          ! spec.volumes[0].persistentVolumeClaim.claimName: Required value
          spec.volumes = [{"name": "v", "csi": {"driver": "a b"}}]
          ! spec.volumes[0].csi.driver: Invalid value: "a b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
          spec.containers.0.livenessProbe = {"tcpSocket": {"port": 80}, "httpGet": {"port": 80}}
          ! spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type
          spec.containers.0.livenessProbe = {"exec": {}}
          ! spec.containers[0].livenessProbe.exec.command: Required value
          spec.containers.0.readinessProbe = {"exec": {"command": ["true"]}, "terminationGracePeriodSeconds": 1}
          ! spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes
          spec.containers.0.securityContext = {"privileged": true, "allowPrivilegeEscalation": false}
          ! spec.containers[0].securityContext: Invalid value: {"allowPrivilegeEscalation":false,"privileged":true}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true
          spec.containers.0.securityContext = {"runAsUser": -1}
          ! spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive
          spec.securityContext = {"seccompProfile": {"type": "Localhost"}}
          ! spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost
          spec.securityContext = {"sysctls": [{"name": "a b", "value": "1"}]}
          ! spec.securityContext.sysctls[0].name: Invalid value: "a b": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$
          spec.dnsPolicy = "None"
          ! spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None
          spec.dnsConfig = {"searches": ["_sip._tcp.abc_d.example.com.", "_", "__a"]}
          ! spec.dnsConfig.searches[1]: Invalid value: "_": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')
          ! spec.dnsConfig.searches[2]: Invalid value: "__a": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')
          spec.dnsPolicy = "Never"
          ! spec.dnsPolicy: Unsupported value: "Never": supported values: "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"
          spec.hostname = "a.b"
          ! spec.hostname: Invalid value: "a.b": must not contain dots
          spec.nodeSelector = {"a": "b c"}
          ! spec.nodeSelector: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
          spec.affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}
          ! spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term
          spec.affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Odd"}]}]}}}
          ! spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator: Invalid value: "Odd": not a valid selector operator
          spec.affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": {}, "topologyKey": "a b"}]}}
          ! spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
          spec.affinity = {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 101, "podAffinityTerm": {"topologyKey": "zone"}}]}}
          ! spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100
          spec.tolerations = [{"key": "a", "operator": "Exists", "value": "b"}]
          ! spec.tolerations[0].operator: Invalid value: "b": value must be empty when `operator` is 'Exists'
          spec.tolerations = [{"key": "a", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": 5}]
          ! spec.tolerations[0].effect: Invalid value: "NoSchedule": effect must be 'NoExecute' when `tolerationSeconds` is set
          spec.topologySpreadConstraints = [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]
          ! spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero
          spec.activeDeadlineSeconds = 0
          ! spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive
          spec.hostAliases = [{"ip": "1.2.3", "hostnames": ["a"]}]
          ! spec.hostAliases[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)
          spec.initContainers = [{"name": "c", "image": "i"}]
          ! spec.initContainers[0].name: Duplicate value: "c"
          spec.initContainers = [{"name": "d", "image": "i", "livenessProbe": {"exec": {"command": ["true"]}}}]
          ! spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always
          spec.ephemeralContainers = [{"name": "e", "image": "i"}]
          ! spec.ephemeralContainers: Forbidden: cannot be set on create
          spec.nodeName = "n"
          spec.schedulingGates = [{"name": "example.com/g"}]
          ! spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared
          spec.hostNetwork = true
          spec.containers.0.ports = [{"containerPort": 80, "hostPort": 81}]
          ! spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true
          update spec.activeDeadlineSeconds = 10
          update spec.containers.0.image = "other"
          update spec.priority = 5
          ! spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)
          update spec.containers.1 = {"name": "d", "image": "i"}
          ! spec.containers: Forbidden: pod updates may not add or remove containers
          before spec.activeDeadlineSeconds = 5
          update spec.activeDeadlineSeconds = 10
          ! spec.activeDeadlineSeconds: Invalid value: 10: must be less than or equal to previous value
          before spec.tolerations = [{"key": "a", "operator": "Exists"}]
          update spec.tolerations = []
          ! spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds
          before spec.schedulingGates = [{"name": "example.com/g"}]
          update spec.schedulingGates = [{"name": "example.com/h"}]
          ! spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'example.com/h'
          spec.securityContext = {"windowsOptions": {"hostProcess": true}}
          ! spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any hostProcess containers
          spec.hostNetwork = true
          spec.securityContext = {"windowsOptions": {"hostProcess": true}}
          spec.containers.1 = {"name": "d", "image": "i", "securityContext": {"windowsOptions": {"hostProcess": false}}}
          ! spec.containers[1].securityContext.windowsOptions.hostProcess: Invalid value: false: pod hostProcess value must be identical if both are specified, was true
          ! spec: Invalid value: "": If pod contains any hostProcess containers then all containers must be HostProcess containers
          spec.hostNetwork = true
          spec.containers.0.securityContext = {"windowsOptions": {"hostProcess": true}}
          spec.initContainers = [{"name": "d", "image": "i"}]
          ! spec: Invalid value: "": If pod contains any hostProcess containers then all containers must be HostProcess containers
          metadata.annotations = {"container.apparmor.security.beta.kubernetes.io/c": "unconfined"}
          spec.containers.0.securityContext = {"appArmorProfile": {"type": "RuntimeDefault"}}
          ! spec.containers[0].securityContext.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match
          metadata.annotations = {"container.apparmor.security.beta.kubernetes.io/c": "localhost/a"}
          spec.securityContext = {"appArmorProfile": {"type": "Localhost", "localhostProfile": "b"}}
          ! spec.containers[0].securityContext.appArmorProfile.localhostProfile: Forbidden: apparmor profile in annotation and field must match
          metadata.annotations = {"seccomp.security.alpha.kubernetes.io/pod": "unconfined", "container.seccomp.security.alpha.kubernetes.io/c": "localhost/a"}
          spec.securityContext = {"seccompProfile": {"type": "RuntimeDefault"}}
          spec.containers.0.securityContext = {"seccompProfile": {"type": "Localhost", "localhostProfile": "b"}}
          ! spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field must match
          ! spec.containers[0].securityContext.seccompProfile.localhostProfile: Forbidden: seccomp profile in annotation and field must match
          before status.qosClass = "BestEffort"
          update status.qosClass = "Guaranteed"
          ! status.qosClass: Invalid value: "Guaranteed": field is immutable
          update status.containerStatuses = [{"name": "c", "user": {"linux": {"uid": -1, "gid": 0, "supplementalGroups": [1, -2]}}}]
          ! status.containerStatuses[0].linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive
          ! status.containerStatuses[0].linux.supplementalGroups[1]: Invalid value: -2: must be between 0 and 2147483647, inclusive
          before spec.os = {"name": "windows"}
          update status.containerStatuses = [{"name": "c", "user": {"linux": {"uid": 1, "gid": 1}}}]
          ! status.containerStatuses[0].linux: Forbidden: cannot be set for a windows pod
          update status.containerStatuses = [{"name": "c", "allocatedResourcesStatus": [{"name": "x", "resources": []}, {"name": "claim:y", "resources": []}]}]
          ! status.containerStatuses[0].allocatedResourcesStatus[0].name: Invalid value: "x": must match one of the container's resource requests
          ! status.containerStatuses[0].allocatedResourcesStatus[1].name: Invalid value: "claim:y": must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty
          before spec.containers.0.resources.requests = {"x.y/z": "1"}
          update status.containerStatuses = [{"name": "c", "allocatedResourcesStatus": [{"name": "x.y/z", "resources": [{"resourceID": "a", "health": "Odd"}, {"resourceID": "a", "health": "Healthy"}]}]}]
          ! status.containerStatuses[0].allocatedResourcesStatus[0].resources[0].health: Unsupported value: "Odd": supported values: "Healthy", "Unhealthy", "Unknown"
          ! status.containerStatuses[0].allocatedResourcesStatus[0].resources[1].resourceID: Duplicate value: "a"
          update status.ephemeralContainerStatuses = [{"name": "e", "allocatedResourcesStatus": [{"name": "x"}]}]
          ! status.ephemeralContainerStatuses[0].allocatedResourcesStatus: Forbidden: must not be specified in container status
        podtemplates
          template.spec.restartPolicy = "Sometimes"
          ! template.spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"
        """#
}
