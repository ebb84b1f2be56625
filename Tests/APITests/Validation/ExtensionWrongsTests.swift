import Testing

@testable import API

@Suite struct ExtensionWrongsTests {
    @Test(arguments: [
        "device.driver == 'd.example.com' && device.attributes['d.example.com'].memory > 3",
        "device.attributes['d.example.com'].isShared", "device.allowMultipleAllocations",
        "device.capacity['d.example.com'].memory.isGreaterThan(quantity('10Gi'))",
        "cel.bind(d, device.attributes['d.example.com'], d.a && d.b == 'x')",
        "device.attributes['d.example.com'].version.isGreaterThan(semver('1.2.3'))",
    ])
    func `an expression that selects devices may look at all that a device says`(source: String) throws {
        _ = try DeviceSelector.compile(source)
    }

    @Test(arguments: Wrong.cases(text)) func `what is wrong with an extension of the API is named`(wrong: Wrong) throws {
        let found = try wrong.found(try LeastObjects.all())
        #expect(found == wrong.errors)
    }

    private static let text = #"""
        apiservices.apiregistration.k8s.io
          metadata.name = "v2.example.com"
          ! metadata.name: Invalid value: "v2.example.com": must be `spec.version+"."+spec.group`: "v1.example.com"
          spec.groupPriorityMinimum = 0
          ! spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000
          spec.insecureSkipTLSVerify = true
          ! spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify
        mutatingwebhookconfigurations.admissionregistration.k8s.io
          webhooks.0.name = "short"
          ! webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots
          webhooks.0.clientConfig = {"url": "http://example.com"}
          ! webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]
          webhooks.0.timeoutSeconds = 31
          ! webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds
          webhooks.0.rules.0.resources = ["*", "pods"]
          ! webhooks[0].rules[0].resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources without subresources
          webhooks.0.rules.0.operations = ["FLY"]
          ! webhooks[0].rules[0].operations[0]: Unsupported value: "FLY": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"
        validatingwebhookconfigurations.admissionregistration.k8s.io
          webhooks.0.sideEffects = "Odd"
          ! webhooks[0].sideEffects: Unsupported value: "Odd": supported values: "None", "NoneOnDryRun"
          webhooks.0.sideEffects = "Some"
          ! webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"
          webhooks.0.admissionReviewVersions = ["v2"]
          ! webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1
        validatingadmissionpolicies.admissionregistration.k8s.io
          spec.validations = []
          ! spec.validations: Required value: validations or auditAnnotations must contain at least one item
          ! spec.auditAnnotations: Required value: validations or auditAnnotations must contain at least one item
          spec.matchConstraints =
          ! spec.matchConstraints: Required value
          spec.validations.0.expression = " "
          ! spec.validations[0].expression: Required value: expression is not specified
          spec.paramKind = {"apiVersion": "a/b/c", "kind": "Tab"}
          ! spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c
          spec.variables = [{"name": "1a", "expression": "1"}]
          ! spec.variables[0].name: Invalid value: "1a": name is not a valid CEL identifier
          spec.variables = [{"name": "in", "expression": "1"}]
          ! spec.variables[0].name: Invalid value: "in": name is not a valid CEL identifier
          spec.matchConditions = [{"name": "m", "expression": ""}]
          ! spec.matchConditions[0].expression: Required value
        validatingadmissionpolicybindings.admissionregistration.k8s.io
          spec.policyName =
          ! spec.policyName: Required value
          spec.validationActions = ["Deny", "Warn"]
          ! spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)
          spec.validationActions = []
          ! spec.validationActions: Required value: at least one validation action is required
          spec.paramRef = {"parameterNotFoundAction": "Deny"}
          ! spec.paramRef: Required value: one of name or selector must be specified
          spec.paramRef = {"name": "a", "parameterNotFoundAction": "Odd"}
          ! spec.paramRef.parameterNotFoundAction: Unsupported value: "Odd": supported values: "Allow", "Deny"
        mutatingadmissionpolicies.admissionregistration.k8s.io
          spec.mutations = []
          ! spec.mutations: Required value: mutations must contain at least one item
          spec.mutations.0.patchType = "ApplyConfiguration"
          ! spec.mutations[0].applyConfiguration: Required value: must be specified when patchType is ApplyConfiguration
          ! spec.mutations[0].jsonPatch: Invalid value: "{jsonPatch}": must not be specified when patchType is ApplyConfiguration
        mutatingadmissionpolicybindings.admissionregistration.k8s.io
          spec.policyName = "A"
          ! spec.policyName: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
        deviceclasses.resource.k8s.io
          spec.selectors = [{}]
          ! spec.selectors[0].cel: Required value
          spec.selectors = [{"cel": {"expression": ""}}]
          ! spec.selectors[0].cel.expression: Required value
          spec.selectors = [{"cel": {"expression": "device.driver"}}]
          ! spec.selectors[0].cel.expression: Invalid value: "device.driver": must evaluate to bool or the unknown type, not string
          spec.selectors = [{"cel": {"expression": "device.colour == 'red'"}}]
          ! spec.selectors[0].cel.expression: Invalid value: "device.colour == 'red'": compilation failed: ERROR: <input>:1:7: undefined field 'colour'
        resourceclaims.resource.k8s.io
          spec.devices.requests.0.exactly =
          ! spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required
          spec.devices.requests.0.exactly.count = 0
          spec.devices.requests.0.exactly.allocationMode = "Odd"
          ! spec.devices.requests[0].exactly.allocationMode: Unsupported value: "Odd": supported values: "All", "ExactCount"
          spec.devices.constraints = [{"requests": ["s"], "matchAttribute": "d.example.com/a"}]
          ! spec.devices.constraints[0].requests[0]: Invalid value: "s": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'
          update spec.devices.requests.0.name = "s"
          ! spec: Invalid value: {"devices":{"requests":[{"exactly":{"allocationMode":"ExactCount","count":1,"deviceClassName":"c"},"name":"s"}]}}: field is immutable
          update status.allocation.devices = {"results": [{"request": "zz", "driver": "a.b", "pool": "p", "device": "d"}]}
          ! status.allocation.devices.results[0].request: Invalid value: "zz": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'
          update status.allocation.devices = {"results": [{"request": "r", "driver": "a.b", "pool": "", "device": "d"}]}
          ! status.allocation.devices.results[0].pool: Required value
          update status.allocation.devices = {"results": [{"request": "r", "driver": "A_B!", "pool": "p", "device": ""}]}
          ! status.allocation.devices.results[0].driver: Invalid value: "A_B!": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
          ! status.allocation.devices.results[0].device: Required value
          update status.allocation.devices = {"results": [{"request": "r", "driver": "a.b", "pool": "p", "device": "d", "shareID": "X"}]}
          ! status.allocation.devices.results[0].shareID: Invalid value: "X": must be a lowercase UUID in 8-4-4-4-12 format
          update status.allocation.devices = {"config": [{"source": "FromClaim", "requests": ["s"], "opaque": {"driver": "a.b", "parameters": {}}}]}
          ! status.allocation.devices.config[0].requests[0]: Invalid value: "s": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'
          update status.allocation.devices = {"config": [{"source": "Odd", "opaque": {"driver": "a.b", "parameters": {}}}]}
          ! status.allocation.devices.config[0].source: Unsupported value: "Odd": supported values: "FromClaim", "FromClass"
          update status.allocation.nodeSelector = {"nodeSelectorTerms": []}
          ! status.allocation.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term
          update status.devices = [{"driver": "a.b", "pool": "p", "device": "d"}]
          ! status.devices[0]: Invalid value: a.b/p/d: must be an allocated device in the claim
          before status.allocation.devices = {"results": [{"request": "r", "driver": "a.b", "pool": "p", "device": "d"}]}
          update status.devices = [{"driver": "a.b", "pool": "p", "device": "d"}, {"driver": "a.b", "pool": "p", "device": "d"}]
          ! status.devices[1]: Duplicate value: a.b/p/d
          before status.allocation.devices = {"results": [{"request": "r", "driver": "a.b", "pool": "p", "device": "d"}]}
          update status.devices = [{"driver": "a.b", "pool": "p", "device": "d", "networkData": {"ips": ["1.2.3.4", "1.2.3.4/24", "1.2.3.4/24", "FD00::1/64"]}}]
          ! status.devices[0].networkData.ips[0]: Invalid value: "1.2.3.4": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)
          ! status.devices[0].networkData.ips[2]: Duplicate value: "1.2.3.4/24"
          ! status.devices[0].networkData.ips[3]: Invalid value: "FD00::1/64": must be in canonical form ("fd00::1/64")
          before status.allocation.devices = {"results": [{"request": "r", "driver": "a.b", "pool": "p", "device": "d"}]}
          update status.devices = [{"driver": "a.b", "pool": "p", "device": "d", "conditions": [{"type": "x", "status": "M", "reason": "y"}]}]
          ! status.devices[0].conditions[0].status: Unsupported value: "M": supported values: "False", "True", "Unknown"
          ! status.devices[0].conditions[0].lastTransitionTime: Required value: must be set
          before status.allocation.devices = {"results": [{"request": "r", "driver": "a.b", "pool": "p", "device": "d"}]}
          before metadata.deletionTimestamp = "2026-01-01T00:00:00Z"
          update status.reservedFor = [{"resource": "pods", "name": "x", "uid": "u"}]
          ! status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set
          before status.allocation.devices = {"results": [{"request": "r", "driver": "a.b", "pool": "p", "device": "d"}]}
          update status.allocation.devices.results.0.device = "e"
          ! status.allocation: Invalid value: {"devices":{"results":[{"device":"e","driver":"a.b","pool":"p","request":"r"}]}}: field is immutable
        resourceclaimtemplates.resource.k8s.io
          spec.spec.devices.requests.0.exactly.deviceClassName =
          ! spec.spec.devices.requests[0].exactly.deviceClassName: Required value
        resourceslices.resource.k8s.io
          spec.nodeName =
          ! spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required
          spec.pool.resourceSliceCount = 0
          ! spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero
          spec.devices.1 = {"name": "d"}
          ! spec.devices[1]: Duplicate value: "d"
          spec.devices.0.bindingConditions = ["a.example.com/Attached"]
          ! spec.devices[0].bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions
          spec.devices.0.bindingFailureConditions = ["Broken"]
          ! spec.devices[0].bindingConditions: Invalid value: []: bindingConditions are required to use bindingFailureConditions
          spec.devices.0.attributes = {"x": {"version": "nope"}}
          ! spec.devices[0].attributes[x].version: Invalid value: "nope": must be a string compatible with semver.org spec 2.0.0
          spec.devices.0.attributes = {"x": {"version": "1.02.3"}}
          ! spec.devices[0].attributes[x].version: Invalid value: "1.02.3": must be a string compatible with semver.org spec 2.0.0
          update spec.driver = "e.example.com"
          ! spec.driver: Invalid value: "e.example.com": field is immutable
        """#
}
