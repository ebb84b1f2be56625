import APIMachinery
import Testing

@testable import API

@Suite struct PodSecurityTests {
    private static func pod(_ spec: Value = [:], container: Value = [:], annotations: Value = [:]) -> Value {
        var spec = spec
        var container = container
        container["name"] = "a"
        if spec["containers"] == nil { spec["containers"] = [container] }
        return ["metadata": ["annotations": annotations], "spec": spec]
    }

    private static func context(_ context: Value) -> Value { ["securityContext": context] }

    private static let hardened = pod(
        ["securityContext": ["runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"]]],
        container: context(["allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]]]))

    struct Case: Sendable, CustomTestStringConvertible {
        var pod: Value
        var level = PodSecurityLevel.baseline
        var minor: Int?
        var wanted: String
        var testDescription: String { wanted.isEmpty ? "\(pod)" : wanted }
    }

    @Test(arguments: [
        Case(pod: pod(), wanted: ""),
        Case(
            pod: pod(["hostNetwork": true, "hostIPC": true]), wanted: "host namespaces (hostNetwork=true, hostIPC=true)"),
        Case(
            pod: pod(["volumes": [["name": "v", "hostPath": ["path": "/"]]]]), wanted: "hostPath volumes (volume \"v\")"),
        Case(
            pod: pod(container: ["ports": [["containerPort": 1, "hostPort": 90], ["hostPort": 80]]]),
            wanted: "hostPort (container \"a\" uses hostPorts 80, 90)"),
        Case(
            pod: pod(container: context(["privileged": true])),
            wanted: "privileged (container \"a\" must not set securityContext.privileged=true)"),
        Case(
            pod: pod(container: context(["capabilities": ["add": ["NET_RAW", "CHOWN", "BPF"]]])),
            wanted: "non-default capabilities (container \"a\" must not include \"BPF\", \"NET_RAW\" in "
                + "securityContext.capabilities.add)"),
        Case(
            pod: pod(container: context(["procMount": "Unmasked"])),
            wanted: "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")"),
        Case(pod: pod(["hostUsers": false], container: context(["procMount": "Unmasked"])), wanted: ""),
        Case(
            pod: pod(["hostUsers": false], container: context(["procMount": "Unmasked"])), minor: 34,
            wanted: "procMount (container \"a\" must not set securityContext.procMount to \"Unmasked\")"),
        Case(
            pod: pod(
                ["securityContext": ["seLinuxOptions": ["type": "x", "user": "u"]]],
                container: context(["seLinuxOptions": ["role": "r"]])),
            wanted: "seLinuxOptions (pod and container \"a\" set forbidden securityContext.seLinuxOptions: type \"x\"; "
                + "user may not be set; role may not be set)"),
        Case(
            pod: pod(["securityContext": ["seLinuxOptions": ["type": "container_engine_t"]]]), minor: 30,
            wanted: "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type \"container_engine_t\")"),
        Case(pod: pod(["securityContext": ["seLinuxOptions": ["type": "container_engine_t"]]]), wanted: ""),
        Case(
            pod: pod(["securityContext": ["sysctls": [["name": "net.ipv4.tcp_rmem"], ["name": "kernel.msgmax"]]]]),
            wanted: "forbidden sysctls (kernel.msgmax)"),
        Case(
            pod: pod(["securityContext": ["sysctls": [["name": "net.ipv4.tcp_rmem"]]]]), minor: 31,
            wanted: "forbidden sysctls (net.ipv4.tcp_rmem)"),
        Case(
            pod: pod(container: context(["seccompProfile": ["type": "Unconfined"]])),
            wanted: "seccompProfile (container \"a\" must not set securityContext.seccompProfile.type to \"Unconfined\")"),
        Case(
            pod: pod(annotations: ["seccomp.security.alpha.kubernetes.io/pod": "unconfined"]), minor: 18,
            wanted: "seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod=\"unconfined\")"),
        Case(
            pod: pod(
                container: context(["appArmorProfile": ["type": "Unconfined"]]),
                annotations: ["container.apparmor.security.beta.kubernetes.io/a": "unconfined"]),
            wanted: "forbidden AppArmor profiles (container \"a\" and annotation must not set AppArmor profile type to "
                + "\"Unconfined\", \"container.apparmor.security.beta.kubernetes.io/a=\"unconfined\"\")"),
        Case(
            pod: pod(container: ["livenessProbe": ["httpGet": ["host": "10.0.0.1"]]]),
            wanted: "probe or lifecycle host (container \"a\" uses probe or lifecycle host \"10.0.0.1\")"),
        Case(pod: pod(container: ["livenessProbe": ["httpGet": ["host": "10.0.0.1"]]]), minor: 33, wanted: ""),
        Case(
            pod: pod(["securityContext": ["windowsOptions": ["hostProcess": true]]]),
            wanted: "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)"),
        Case(
            pod: pod(["initContainers": [["name": "i", "securityContext": ["privileged": true]]]],
                container: context(["privileged": true])),
            wanted: "privileged (containers \"i\", \"a\" must not set securityContext.privileged=true)"),
        Case(pod: hardened, level: .restricted, wanted: ""),
        Case(
            pod: pod(), level: .restricted,
            wanted: "allowPrivilegeEscalation != false (container \"a\" must set "
                + "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"a\" must set "
                + "securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"a\" must set "
                + "securityContext.runAsNonRoot=true), seccompProfile (pod or container \"a\" must set "
                + "securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"),
        Case(pod: pod(), level: .restricted, minor: 7, wanted: "runAsNonRoot != true (pod or container \"a\" must set "
            + "securityContext.runAsNonRoot=true)"),
        Case(
            pod: pod(["os": ["name": "windows"], "securityContext": ["runAsNonRoot": true]]), level: .restricted,
            wanted: ""),
        Case(
            pod: pod([
                "securityContext": ["runAsNonRoot": true, "runAsUser": 0, "seccompProfile": ["type": "Localhost"]],
                "hostPID": true, "volumes": [["name": "n", "nfs": [:]], ["name": "h", "hostPath": [:]]],
            ], container: context(["allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"], "add": ["BPF"]]])),
            level: .restricted,
            wanted: "host namespaces (hostPID=true), unrestricted capabilities (container \"a\" must not include \"BPF\" "
                + "in securityContext.capabilities.add), restricted volume types (volumes \"n\", \"h\" use restricted "
                + "volume types \"hostPath\", \"nfs\"), runAsUser=0 (pod must not set runAsUser=0)"),
    ])
    func `a pod is held to the standard of its release`(test: Case) {
        let standard = PodSecurityStandard(test.level, minor: test.minor)
        #expect(PodSecurityChecks.violations(of: test.pod, against: standard).details == test.wanted)
        #expect(PodSecurityChecks.violations(of: test.pod, against: PodSecurityStandard(.privileged)) == [])
    }

    @Test func `labels of a namespace say what is asked`() {
        let prefix = "pod-security.kubernetes.io/"
        let labels: Value = [
            prefix + "enforce": "baseline", prefix + "enforce-version": "v1.25", prefix + "warn": "strict",
            prefix + "audit-version": "1.2",
        ]
        let (policy, errors) = PodSecurityPolicy.read(labels.fields ?? Fields(), defaults: PodSecurityPolicy())
        #expect(policy.enforce.description == "baseline:v1.25")
        #expect(policy.warn.level == .privileged)
        #expect(
            errors.map(\.description) == [
                "metadata.labels[\(prefix)audit-version]: Invalid value: \"1.2\": must be \"latest\" or \"v1.x\"",
                "metadata.labels[\(prefix)warn]: Invalid value: \"strict\": must be one of privileged, baseline, "
                    + "restricted",
            ])
    }
}
