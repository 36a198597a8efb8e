//! Events between services: publish and consume. In process; RabbitMQ's adapter belongs beside it.
