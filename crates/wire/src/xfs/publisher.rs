//! `ServicePublisher`: which services a machine has.

use super::word::objects;

objects! {
    /// `ServicePublisher.GetServices`.
    strict GetServices {}
    /// What `ServicePublisher.GetServices` and `ServicePublisher.ServiceDetailEvent` bring.
    tolerant Services {
        vendor_name "vendorName": String,
        /// None at all may be absent.
        services "services": Vec<Service>,
    }
    /// One service.
    tolerant Service {
        /// A WebSocket address, to be used byte for byte.
        uri "serviceURI": String,
    }
}
