import API

/// What a job says about a pod of it that failed (KEP-3329).
struct FailureVerdict: Hashable, Sendable {
    /// Whether the failure counts towards the job's limits.
    var isCounted = true
    /// Whether the pod's index has failed for good.
    var failsIndex = false
    /// Why the whole job has failed, if it has.
    var failsJob: String?
}

extension PodFailurePolicy {
    /// The first rule that speaks of the pod decides; a failure that none speaks of counts.
    func verdict(on pod: Pod) -> FailureVerdict {
        for (number, rule) in rules.enumerated() {
            guard let what = rule.match(pod) else { continue }
            switch rule.action {
            case PodFailurePolicyAction.ignore: return FailureVerdict(isCounted: false)
            case PodFailurePolicyAction.failIndex: return FailureVerdict(failsIndex: true)
            case PodFailurePolicyAction.failJob:
                return FailureVerdict(failsJob: "\(what) matching \(rule.action) rule at index \(number)")
            case PodFailurePolicyAction.count: return FailureVerdict()
            default: continue
            }
        }
        return FailureVerdict()
    }
}

extension PodFailurePolicyRule {
    /// What of the pod the rule speaks of, in the words of the job's condition.
    fileprivate func match(_ pod: Pod) -> String? {
        let name = "\(pod.metadata.namespace)/\(pod.metadata.name)"
        if let codes = onExitCodes {
            guard let container = codes.match(pod.status.containerStatuses) ?? codes.match(pod.status.initContainerStatuses)
            else { return nil }
            let code = container.state.terminated?.exitCode ?? 0
            return "Container \(container.name) for pod \(name) failed with exit code \(code)"
        }
        let patterns = onPodConditions
        let condition = pod.status.conditions.first { condition in
            patterns.contains { $0.type == condition.type && $0.status == condition.status }
        }
        return condition.map { "Pod \(name) has condition \($0.type)" }
    }
}

extension PodFailurePolicyOnExitCodesRequirement {
    /// The first container that ended in one of the ways meant. An end with code 0 is no failure.
    fileprivate func match(_ containers: [ContainerStatus]) -> ContainerStatus? {
        containers.first { container in
            guard let code = container.state.terminated?.exitCode, code != 0,
                containerName.map({ $0 == container.name }) ?? true
            else { return false }
            switch self.operator {
            case PodFailurePolicyOnExitCodesOperator.in: return values.contains(code)
            case PodFailurePolicyOnExitCodesOperator.notIn: return !values.contains(code)
            default: return false
            }
        }
    }
}
