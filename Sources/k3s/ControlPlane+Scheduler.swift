import APIMachinery
import APIServer
import Host
import Scheduler
import Supervisor
import Support

/// The scheduler, as its configuration file says.
extension ControlPlane {
    func schedule() async throws(Fault) {
        let extenders = ExtenderCaller()
        let scheduler = Scheduler(
            client: api.client(as: .scheduler), log: log, configuration: try schedulerConfiguration(),
            figures: schedulerFigures, callExtender: extenders.call)
        do throws(Status) {
            try await scheduler.run()
        } catch {
            throw Fault(.failed, "the scheduler cannot run", cause: error)
        }
    }

    private func schedulerConfiguration() throws(Fault) -> SchedulerConfiguration {
        guard let file = configuration.scheduler.configurationFile else { return SchedulerConfiguration() }
        return try SchedulerConfiguration(text: try Files.readText(file))
    }
}
