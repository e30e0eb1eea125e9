//! The binary as its users meet it: started as a process, watched through what it prints, asked over HTTP.

mod command_line;
mod demo;
mod http;
mod running;
mod serve;
