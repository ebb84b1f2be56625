import Testing

@testable import API

@Suite struct ClusterWrongsTests {
    @Test(arguments: Wrong.cases(text)) func `what is wrong with an object of the cluster is named`(wrong: Wrong) throws {
        let found = try wrong.found(try LeastObjects.all())
        #expect(found == wrong.errors)
    }

    private static let text = #"""
        configmaps
          data = {"a/b": "x"}
          ! data[a/b]: Invalid value: "a/b": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')
          data = {"a": "x"}
          binaryData = {"a": "eA=="}
          ! data[a]: Invalid value: "a": duplicate of key present in binaryData
          before immutable = true
          update data = {"a": "x"}
          ! data: Forbidden: field is immutable when `immutable` is set
        secrets
          type = "kubernetes.io/tls"
          ! data[tls.crt]: Required value
          ! data[tls.key]: Required value
          type = "kubernetes.io/basic-auth"
          ! data[username]: Required value
          ! data[password]: Required value
          type = "kubernetes.io/ssh-auth"
          ! data[ssh-privatekey]: Required value
          type = "kubernetes.io/dockerconfigjson"
          ! data[.dockerconfigjson]: Required value
          type = "kubernetes.io/service-account-token"
          ! metadata.annotations[kubernetes.io/service-account.name]: Required value
          update type = "other"
          ! type: Invalid value: "other": field is immutable
        namespaces
          metadata.name = "a.b"
          ! metadata.name: Invalid value: "a.b": must not contain dots
          metadata.namespace = "default"
          ! metadata.namespace: Forbidden: not allowed on this type
          spec.finalizers = ["loose"]
          ! spec.finalizers: Invalid value: "loose": name is neither a standard finalizer name nor is it fully qualified
          update status.phase = "Terminating"
          ! status.Phase: Invalid value: "Terminating": may only be 'Active' if `deletionTimestamp` is empty
          before metadata.deletionTimestamp = "2026-01-01T00:00:00Z"
          before status.phase = "Terminating"
          update status.phase = "Active"
          ! status.Phase: Invalid value: "Active": may only be 'Terminating' if `deletionTimestamp` is not empty
        nodes
          status.capacity = {"foo": "-1", "hugepages-3": "1"}
          ! status.capacity.foo: Invalid value: "-1": must be greater than or equal to 0
          ! status.allocatable.foo: Invalid value: "-1": must be greater than or equal to 0
          status.allocatable = {"pods": "1500m"}
          ! status.allocatable.pods: Invalid value: "1500m": must be an integer
          spec.taints = [{"key": "a", "effect": "Odd"}]
          ! spec.taints[0].effect: Unsupported value: "Odd": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"
          spec.taints = [{"key": "a", "effect": "NoSchedule"}, {"key": "a", "effect": "NoSchedule", "value": "b"}]
          ! metadata.taints[1]: Duplicate value: {"effect":"NoSchedule","key":"a","value":"b"}: taints must be unique by key and effect pair
          spec.podCIDRs = ["10.0.0.0/33"]
          ! spec.podCIDRs[0]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)
          before spec.providerID = "k3s://a"
          update spec.providerID = "k3s://b"
          ! spec.providerID: Forbidden: node updates may not change providerID except from "" to valid
        limitranges
          spec.limits.0.type = "Odd"
          ! spec.limits[0].type: Invalid value: "Odd": must be a standard limit type or fully qualified
          spec.limits.0.min = {"cpu": "3"}
          ! spec.limits[0].min[cpu]: Invalid value: "3": min value 3 is greater than max value 2
          ! spec.limits[0].defaultRequest[cpu]: Invalid value: "2": min value 3 is greater than default request value 2
          ! spec.limits[0].default[cpu]: Invalid value: "3": min value 3 is greater than default value 2
          spec.limits.0.default = {"cpu": "3"}
          spec.limits.0.defaultRequest = {"cpu": "1"}
          ! spec.limits[0].default[cpu]: Invalid value: "2": default value 3 is greater than max value 2
          spec.limits.1 = {"type": "Pod", "max": {"cpu": "10T"}, "min": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "100T"}}
          ! spec.limits[1].maxLimitRequestRatio[cpu]: Invalid value: "100T": ratio 100T is greater than max/min = 10000000000000.000000
          spec.limits.1 = {"type": "Container"}
          ! spec.limits[1].type: Duplicate value: "Container"
        resourcequotas
          spec.hard = {"apples": "1"}
          ! spec.hard[apples]: Invalid value: "apples": must be a standard resource for quota
          spec.hard = {"pods": "-1"}
          ! spec.hard[pods]: Invalid value: "-1": must be greater than or equal to 0
          spec.scopes = ["BestEffort", "NotBestEffort"]
          ! spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes
          spec.hard = {"services": "1"}
          spec.scopes = ["NotTerminating"]
          ! spec.scopes: Invalid value: ["NotTerminating"]: unsupported scope applied to resource
          spec.hard = {"requests.nvidia.com/gpu": "1", "count/deployments.apps": "1", "gold.storageclass.storage.k8s.io/requests.storage": "1Gi", "apples": "1"}
          spec.scopes = ["BestEffort"]
          ! spec.hard[apples]: Invalid value: "apples": must be a standard resource for quota
          spec.hard = {"services": "1"}
          spec.scopeSelector = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}
          ! spec.scopeSelector.matchExpressions: Invalid value: {"matchExpressions":[{"operator":"Exists","scopeName":"PriorityClass"}]}: unsupported scope applied to resource
          spec.hard = {"cpu": "1"}
          spec.scopeSelector = {"matchExpressions": [{"scopeName": "BestEffort", "operator": "Exists"}]}
          ! spec.scopeSelector.matchExpressions: Invalid value: {"matchExpressions":[{"operator":"Exists","scopeName":"BestEffort"}]}: unsupported scope applied to resource
          spec.scopes = ["Odd"]
          ! spec.scopes: Invalid value: ["Odd"]: unsupported scope
          spec.scopeSelector = {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Odd"}]}
          ! spec.scopeSelector.matchExpressions.operator: Invalid value: "Odd": not a valid selector operator
          spec.scopeSelector = {"matchExpressions": [{"scopeName": "Odd", "operator": "In"}]}
          ! spec.scopeSelector.matchExpressions.scopeName: Invalid value: "Odd": unsupported scope
          ! spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector
          update spec.scopes = ["BestEffort"]
          ! spec.scopes: Invalid value: ["BestEffort"]: field is immutable
        events
          involvedObject.namespace = "other"
          ! involvedObject.namespace: Invalid value: "other": does not match event.namespace
          eventTime = "2030-01-01T00:00:00.000000Z"
          reportingComponent = "c"
          reportingInstance = "i"
          action = "a"
          ! reason: Required value
        serviceaccounts
          metadata.name = "A"
          ! metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        roles.rbac.authorization.k8s.io
          metadata.name = "system:a"
          rules.0.verbs = []
          ! rules[0].verbs: Required value: verbs must contain at least one value
          rules.0 = {"verbs": ["get"], "nonResourceURLs": ["/x"]}
          ! rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs
          rules.0.resources = []
          ! rules[0].resources: Required value: resource rules must supply at least one resource
        clusterroles.rbac.authorization.k8s.io
          rules.0.nonResourceURLs = ["/x"]
          ! rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs
          aggregationRule = {}
          ! aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil
        rolebindings.rbac.authorization.k8s.io
          roleRef.kind = "Odd"
          ! roleRef.kind: Unsupported value: "Odd": supported values: "Role", "ClusterRole"
          subjects.0.kind = "Odd"
          ! subjects[0].kind: Unsupported value: "Odd": supported values: "ServiceAccount", "User", "Group"
          update roleRef.name = "s"
          ! roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"s"}: cannot change roleRef
        clusterrolebindings.rbac.authorization.k8s.io
          roleRef.kind = "Role"
          ! roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"
          subjects = [{"kind": "ServiceAccount", "name": "a"}]
          ! subjects[0].namespace: Required value
        certificatesigningrequests.certificates.k8s.io
          spec.request = "eA=="
          ! spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST
          spec.usages = []
          ! spec.usages: Required value: usages must be provided
          spec.signerName = "plain"
          ! spec.signerName: Invalid value: "plain": must be a fully qualified domain and path of the form 'example.com/signer-name'
          spec.expirationSeconds = 10
          ! spec.expirationSeconds: Invalid value: 10: may not specify a duration less than 600 seconds (10 minutes)
          before status.conditions = [{"type": "Approved", "status": "True"}]
          update status.conditions = []
          ! status.conditions: Forbidden: updates may not remove a condition of type "Approved"
        leases.coordination.k8s.io
          spec.leaseDurationSeconds = 0
          ! spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0
          spec.leaseTransitions = -1
          ! spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0
        priorityclasses.scheduling.k8s.io
          value = 1000000001
          ! value: Forbidden: maximum allowed value of a user defined priority is 1000000000
          metadata.name = "system-x"
          ! metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x is not a known system priority class
          update value = 11
          ! value: Forbidden: may not be changed in an update.
        runtimeclasses.node.k8s.io
          handler = "A"
          ! handler: Invalid value: "A": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
          update handler = "crun"
          ! handler: Invalid value: "crun": field is immutable
        flowschemas.flowcontrol.apiserver.k8s.io
          spec.matchingPrecedence = 0
          spec.distinguisherMethod = {"type": "Odd"}
          ! spec.distinguisherMethod.type: Unsupported value: "Odd": supported values: "ByNamespace", "ByUser"
          spec.matchingPrecedence = 1
          ! spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1
          spec.priorityLevelConfiguration.name = ""
          ! spec.priorityLevelConfiguration.name: Required value: must reference a priority level
          spec.rules.0.subjects = []
          ! spec.rules[0].subjects: Required value: subjects must contain at least one value
          spec.rules.0.subjects.0.kind = "Group"
          ! spec.rules[0].subjects[0].group: Required value: group is required when subject kind is 'Group'
          ! spec.rules[0].subjects[0].user: Forbidden: user is forbidden when subject kind is not 'User'
          spec.rules.0.resourceRules.0.verbs = ["fly"]
          ! spec.rules[0].resourceRules[0].verbs: Unsupported value: ["fly"]: supported values: "create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"
        prioritylevelconfigurations.flowcontrol.apiserver.k8s.io
          spec.type = "Exempt"
          spec.limited =
          ! spec.type: Invalid value: "Exempt": type must be 'Exempt' if and only if name is 'exempt'
          spec.limited.limitResponse = {"type": "Queue", "queuing": {"queues": 4, "handSize": 0, "queueLengthLimit": 0}}
          ! spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (4)
          spec.limited.limitResponse = {"type": "Queue", "queuing": {"queues": 4, "handSize": 5, "queueLengthLimit": 1}}
          ! spec.limited.limitResponse.queuing.handSize: Invalid value: 5: should not be greater than queues (4)
        storageversionmigrations.storagemigration.k8s.io
          spec.resource.resource = ""
          ! spec.resource.resource: Required value: resource is required
          update spec.resource.resource = "configmaps"
          ! resource: Invalid value: "configmaps": field is immutable
          update status.resourceVersion = "-1"
          ! status.resourceVersion: Invalid value: "-1": must be a number from 0 up
          before status.resourceVersion = "5"
          update status.resourceVersion = "6"
          ! status.resourceVersion: Invalid value: "6": cannot be updated
          before status.conditions = [{"type": "Succeeded", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "R", "message": ""}]
          update status.conditions = [{"type": "Failed", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "R", "message": ""}]
          ! status.conditions: Invalid value: [{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"","reason":"R","status":"True","type":"Failed"}]: Success condition cannot be set to false once it is true
          update status.conditions = [{"type": "Running", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "R", "message": ""}, {"type": "Succeeded", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "R", "message": ""}]
          ! status.conditions: Invalid value: [{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"","reason":"R","status":"True","type":"Running"},{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"","reason":"R","status":"True","type":"Succeeded"}]: Running condition cannot be true when success condition is true
        """#
}
